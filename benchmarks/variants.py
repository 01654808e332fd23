"""The variants of `ablations.py`: what each changes in the params of the reference."""

REFERENCE = {
    "srgan.generator.initial": "none",
    "srgan.generator.blocks": "8",
    "srgan.perceptual.network": "vgg19",
    "srgan.perceptual.layer": "conv3_1",
    "srgan.crop": "48",
    "srgan.batch_size": "16",
    "srgan.gradient_clip": "null",
    "srgan.discriminator.channels": "32",
    "srgan.discriminator.normalization": "batch",
    "srgan.adversarial.warm_up": "0",
    "srgan.adversarial.learning_rate": "0.0004",
    "srgan.adversarial.discriminator_learning_rate": "null",
    "srgan.adversarial.weight": "0.1",
    "srgan.lattice": "0",
    "srgan.pretraining.learning_rate": "0.001",
    "srgan.pretraining.epochs": "8",
    "srgan.adversarial.epochs": "6",
    "srgan.snapshots": "[1,3,6]",
}
LOWER_RATE = {"srgan.pretraining.learning_rate": "0.0004"}
# as many pixels and updates as the reference: four times the area, a quarter of the epochs; at the
# reference's rate of 0.001 it diverges
CROP_96 = {
    "srgan.crop": "96",
    "srgan.batch_size": "4",
    "srgan.gradient_clip": "1.0",
    **LOWER_RATE,
    "srgan.pretraining.epochs": "2",
    "srgan.adversarial.epochs": "2",
    "srgan.snapshots": "[1,2]",
}
# a discriminator that plays, and a slower generator
PLAYS = CROP_96 | {
    "srgan.perceptual.network": "lpips",
    "srgan.discriminator.channels": "64",
    "srgan.discriminator.normalization": "none",
    "srgan.adversarial.warm_up": "300",
    "srgan.adversarial.learning_rate": "0.0001",
    "srgan.adversarial.discriminator_learning_rate": "0.0004",
    "srgan.adversarial.weight": "0.01",
    "srgan.lattice": "0.03",
}
VARIANTS: dict[str, dict[str, str]] = {
    "reference": {},
    "pixel_shuffle": {"srgan.generator.upsampler": "pixel_shuffle"},
    "generator_batch_norm": {"srgan.generator.normalization": "batch"},
    "no_bicubic_skip": {"srgan.generator.skip": "none"},
    # at the reference's rate of 0.001 it diverges
    "mse_pretraining": LOWER_RATE | {"srgan.pretraining.loss": "mse"},
    # 10 epochs of the adversarial phase take as long as 8 and 6 of the reference
    "no_pretraining": {
        "srgan.pretraining.epochs": "0",
        "srgan.adversarial.epochs": "10",
        "srgan.snapshots": "[1,5,10]",
    },
    # what the others that need a lower rate may owe to it, and what two at the edge may lack
    "lower_rate": LOWER_RATE,
    "pixel_shuffle_lower_rate": LOWER_RATE | {"srgan.generator.upsampler": "pixel_shuffle"},
    "batch_norm_lower_rate": LOWER_RATE | {"srgan.generator.normalization": "batch"},
    "crop_96": CROP_96,
    "crop_96_relativistic": CROP_96 | {"srgan.adversarial.loss": "relativistic"},
    "vgg_conv2_2": {"srgan.perceptual.layer": "conv2_2"},
    "relativistic": {"srgan.adversarial.loss": "relativistic"},
    "r1_r2": {
        "srgan.adversarial.loss": "relativistic",
        "srgan.adversarial.r1": "1.0",
        "srgan.adversarial.r2": "1.0",
        "srgan.discriminator.normalization": "none",
    },
    "lpips_loss": {"srgan.perceptual.network": "lpips"},
    "lpips_lower_rate": LOWER_RATE | {"srgan.perceptual.network": "lpips"},
    "lpips_crop_96": CROP_96 | {"srgan.perceptual.network": "lpips"},
    "lpips_relativistic": {
        "srgan.perceptual.network": "lpips",
        "srgan.adversarial.loss": "relativistic",
    },
    "plays": PLAYS,
    # the same crops and windows, without what the discriminator says
    "plays_unopposed": PLAYS | {"srgan.adversarial.weight": "0"},
    "plays_cold": PLAYS | {"srgan.adversarial.warm_up": "0"},
    "plays_batch_norm": PLAYS | {"srgan.discriminator.normalization": "batch"},
    "plays_one_rate": PLAYS | {"srgan.adversarial.learning_rate": "0.0004"},
    "plays_weight_003": PLAYS | {"srgan.adversarial.weight": "0.003"},
    "plays_weight_03": PLAYS | {"srgan.adversarial.weight": "0.03"},
    # LPIPS counts for more, beside pixels, lattice and the discriminator
    "plays_perceptual_3": PLAYS
    | {"srgan.perceptual.weight": "3.0", "srgan.adversarial.weight": "0.02"},
    # and twice the rate, falling to nothing
    "plays_perceptual_3_cosine": PLAYS
    | {
        "srgan.perceptual.weight": "3.0",
        "srgan.adversarial.weight": "0.02",
        "srgan.adversarial.schedule": "cosine",
        "srgan.adversarial.learning_rate": "0.0002",
    },
    "plays_lattice_0": PLAYS | {"srgan.lattice": "0"},
    "plays_without_lpips": PLAYS | {"srgan.perceptual.weight": "0"},
}
# one long training of a smaller network on fewer images, looked at after 5, 50 and 150 epochs
LONG = {
    "epochs_150": {
        "data.per_class": "300",
        "srgan.generator.blocks": "4",
        "srgan.generator.channels": "32",
        "srgan.adversarial.epochs": "150",
        "srgan.snapshots": "[5,50,150]",
    }
}
