"""The arms of the experiment and the domains of its images: one table for all that speaks of them.

An arm is a classifier and what it was trained on; a domain is a version of the images.
"""

from srgan_ab.common.schema import Controls, Params

DOMAINS = {
    "hr": "real HR",
    "sr": "SRGAN",
    "bicubic": "bicubic",
    "srresnet": "SRResNet",
    "perceptual": "non-adversarial",  # SRGAN's training without its adversarial term
    "task": "task-driven",  # SRGAN's training with a loss of A's features
}
ARM_NAMES = {
    **{"a": "A", "b": "B", "b_plus": "B+", "c": "C", "c_plus": "C+", "r": "R", "p": "P"},
    "t": "T",
}
ARMS = tuple(ARM_NAMES)
TRAINED_ON = {
    "a": ("hr",),
    "b": ("sr",),  # unless b.images of params.yaml says otherwise
    "b_plus": ("hr", "sr"),
    "c": ("bicubic",),
    "c_plus": ("hr", "bicubic"),
    "r": ("srresnet",),
    "p": ("perceptual",),
    "t": ("task",),
}
MADE_FOR = {"perceptual": "p", "task": "t"}  # domains that a run without the arm has not

Subject = tuple[str, str]  # (arm, domain): a classifier, and what it was tested on


def chosen_arms(controls: Controls) -> tuple[str, ...]:
    """The arms of a run: a, b, and the control arms that `controls` of params.yaml asks for."""
    return tuple(arm for arm in ARMS if arm in ("a", "b") or getattr(controls, arm))


def chosen_domains(controls: Controls) -> tuple[str, ...]:
    """The domains of a run: one whose generator is trained for an arm goes with it."""
    left_out = [domain for domain, arm in MADE_FOR.items() if not getattr(controls, arm)]
    return tuple(domain for domain in DOMAINS if domain not in left_out)


def domains_of(arm: str, params: Params) -> tuple[str, ...]:
    """Domains that an arm is trained on; b's are a param."""
    return tuple(params.b.images.split("+")) if arm == "b" else TRAINED_ON[arm]


def trained_on(b_images: str) -> dict[str, str]:
    """What each arm was trained on, in words, by `b.images` of params.yaml."""
    domains = TRAINED_ON | {"b": tuple(b_images.split("+"))}
    return {arm: " + ".join(DOMAINS[domain] for domain in domains[arm]) for arm in ARMS}


def subject_name(subject: Subject) -> str:
    """Arm and test domain in words: "B on real HR"."""
    arm, domain = subject
    return f"{ARM_NAMES[arm]} on {DOMAINS[domain]}"
