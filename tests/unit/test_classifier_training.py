"""The training loop and prediction, on textures that a small network tells apart."""

import numpy as np
import pytest
import torch
from torch import nn

from srgan_ab.classifier import training
from srgan_ab.classifier.backbones import build
from srgan_ab.classifier.prediction import load_classifier, load_classifiers, logits, predict
from srgan_ab.classifier.training import Examples, fit
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Classifier
from srgan_ab.common.weights import save_weights

RUNTIME = Runtime(torch.device("cpu"), "fp32")


def textures(count, seed, size=32):
    """Horizontal (0) and vertical (1) stripes of random colour, period and phase, with noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    position = np.arange(size)
    waves = np.sin(
        position / random.uniform(0.8, 1.6, (count, 1)) + random.uniform(0, 6, (count, 1))
    )
    pattern = np.where(labels[:, None, None] == 0, waves[:, :, None], waves[:, None, :])
    colour = random.uniform(60, 190, (count, 1, 1, 3))
    images = colour + 40 * pattern[..., None] + random.normal(0, 15, (count, size, size, 3))
    return Examples(images.clip(0, 255).astype(np.uint8), labels.astype(np.int64))


def settings(**changes):
    augmentation = dict(
        flip=0.5, rotation=15.0, brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1
    )
    values = dict(
        seed=None,
        backbone="small_cnn",
        freeze="none",
        epochs=3,
        batch_size=16,
        learning_rate=0.003,
        weight_decay=0.01,
        patience=None,
        replicates=1,
        augmentation=augmentation,
    )
    return Classifier(**(values | changes))


def trained(seed=0, updates=4, train=None, network=None, **changes):
    torch.manual_seed(seed)
    network = network or build("small_cnn", None, "none")
    train = train or textures(48, 1)
    result = fit(network, train, textures(20, 2), settings(**changes), updates, RUNTIME, seed)
    return network, *result


def test_a_separable_set_is_learned():
    network, state, history = trained(updates=12, train=textures(192, 1), epochs=8)
    network.load_state_dict(state)
    test = textures(200, 3)
    decisions = logits(network, test.images, RUNTIME).argmax(1).numpy()
    assert (decisions == test.labels).mean() > 0.95
    assert history.val_accuracy.max() > 0.95 and history.val_auc.max() > 0.95
    assert list(history) == [
        "epoch", "train_loss", "val_loss", "val_accuracy", "val_f1", "val_auc",
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    (_, first, history), (_, again, history_again), (_, other, _) = (
        trained(seed=1),
        trained(seed=1),
        trained(seed=2),
    )
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert history.equals(history_again)
    assert not torch.equal(first["classifier.3.weight"], other["classifier.3.weight"])


def test_the_best_state_is_that_of_the_lowest_validation_loss():
    network, state, history = trained(epochs=6, learning_rate=0.02)
    network.load_state_dict(state)
    validation = textures(20, 2)
    outputs = logits(network, validation.images, RUNTIME)
    loss = nn.functional.cross_entropy(outputs, torch.from_numpy(validation.labels)).item()
    assert loss == pytest.approx(history.val_loss.min(), abs=1e-6)


def test_dropout_and_batchnorm_are_in_training_mode_in_every_update():
    """A published version forgot `train()` after the first validation."""
    network = build("small_cnn", None, "none")
    modes = []
    dropout = next(m for m in network.modules() if isinstance(m, nn.Dropout))
    norm = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    dropout.register_forward_hook(
        lambda module, inputs, output: modes.append((module.training, norm.training))
    )
    trained(network=network, epochs=3, updates=4)
    assert modes == ([(True, True)] * 4 + [(False, False)]) * 3


def test_evaluation_is_not_augmented(monkeypatch):
    calls = []
    genuine = training.augment
    monkeypatch.setattr(training, "augment", lambda x, *a: calls.append(len(x)) or genuine(x, *a))
    trained(epochs=2, updates=3)
    assert calls == [16] * 6  # the 20 validation images never pass through it
    network = build("small_cnn", None, "none")
    images = textures(10, 5).images
    assert torch.equal(logits(network, images, RUNTIME), logits(network, images, RUNTIME))


def test_evaluation_depends_on_neither_batch_size_nor_order():
    network, _, _ = trained(epochs=1)
    images = textures(37, 4).images
    expected = logits(network, images, RUNTIME)
    torch.testing.assert_close(logits(network, images, RUNTIME, 5), expected, atol=1e-5, rtol=1e-5)
    order = np.random.default_rng(0).permutation(37)
    torch.testing.assert_close(
        logits(network, images[order], RUNTIME, 8), expected[order], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("count", [10, 48, 100])
def test_every_training_set_gets_the_same_number_of_full_batches(count, monkeypatch):
    sizes = []
    genuine = training.augment
    monkeypatch.setattr(training, "augment", lambda x, *a: sizes.append(len(x)) or genuine(x, *a))
    trained(train=textures(count, 1), epochs=2, updates=5)
    assert sizes == [16] * 10


def test_batches_are_passes_over_all_images():
    order = training.Order(10, 4, seed=3)
    rows = torch.cat([order.take(2), order.take(3)]).flatten()
    assert sorted(rows[:10].tolist()) == sorted(rows[10:].tolist()) == list(range(10))
    assert rows[:10].tolist() != rows[10:].tolist()


def test_frozen_features_do_not_move_and_the_head_does():
    torch.manual_seed(0)
    network = build("mobilenet_v2", None, "features")
    before = {k: v.clone() for k, v in network.state_dict().items()}
    trained(network=network, epochs=2, updates=2)
    moved = {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"classifier.1.weight", "classifier.1.bias"}


def test_the_learning_rate_falls_by_a_cosine_to_zero_over_all_updates(monkeypatch):
    seen = []
    genuine = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self, *a: seen.append(float(self.param_groups[0]["lr"])) or genuine(self, *a),
    )
    trained(epochs=2, updates=5, learning_rate=0.01)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(10) / 10))
    np.testing.assert_allclose(seen, expected, atol=1e-9)


def test_patience_stops_early_and_null_never_does(monkeypatch):
    losses = iter([0.5, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6])
    monkeypatch.setattr(
        training, "_validate", lambda *a: {"val_loss": next(losses), "val_accuracy": 0.5}
    )
    _, _, history = trained(epochs=6, updates=1, patience=2)
    assert history.epoch.tolist() == [1, 2, 3, 4]
    monkeypatch.setattr(training, "_validate", lambda *a: {"val_loss": 1.0, "val_accuracy": 0.5})
    _, _, history = trained(epochs=6, updates=1)
    assert len(history) == 6


def test_a_loss_that_is_not_finite_stops_with_a_mend():
    network = build("small_cnn", None, "none")
    with torch.no_grad():
        network.classifier[3].bias.fill_(float("nan"))
    with pytest.raises(UserError, match=r"epoch 1: lower classifier\.learning_rate"):
        trained(network=network, epochs=3, updates=2)


def test_metrics_are_those_of_probabilities_and_labels():
    class Given(nn.Module):
        def forward(self, x):
            score = x[:, 0, 0, 0] * 0.229 + 0.485  # undoes the normalisation of red
            return torch.stack([torch.zeros_like(score), score * 2 - 1], 1)

    reds = np.array([0, 60, 140, 200, 250, 100], np.uint8)
    labels = np.array([0, 0, 0, 1, 1, 1])
    images = np.zeros((6, 4, 4, 3), np.uint8)
    images[..., 0] = reds[:, None, None]
    row = training._validate(Given(), Examples(images, labels), RUNTIME)
    assert row["val_accuracy"] == pytest.approx(4 / 6)  # 140 and 100 are wrong
    assert row["val_f1"] == pytest.approx(2 / 3)
    assert row["val_auc"] == pytest.approx(8 / 9)  # of 9 pairs only (140, 100) is in wrong order
    margin = (2 * (reds / 255) - 1) * np.where(labels == 1, 1, -1)
    assert row["val_loss"] == pytest.approx(np.log1p(np.exp(-margin)).mean(), abs=1e-5)


def test_a_saved_network_is_rebuilt_from_its_file_and_predicts_the_same(tmp_path):
    images = textures(12, 6).images
    expected = []
    for replicate in range(11):  # 10 sorts after 2
        network = build("small_cnn", None, "none")
        expected.append(logits(network, images, RUNTIME).softmax(1)[:, 1].numpy())
        path = tmp_path / f"replicate_{replicate}.safetensors"
        save_weights(path, network, {"backbone": "small_cnn"})
    probabilities = predict(load_classifiers(tmp_path, RUNTIME.device), images, RUNTIME)
    assert probabilities.shape == (11, 12) and probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert not load_classifier(path, torch.device("cpu")).training


def test_files_of_other_origin_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no classifier"):
        load_classifiers(tmp_path, RUNTIME.device)
    save_weights(tmp_path / "replicate_0.safetensors", nn.Linear(2, 2), {})
    with pytest.raises(UserError, match="does not say how to build a classifier"):
        load_classifiers(tmp_path, RUNTIME.device)


def test_images_that_live_on_the_device_train_to_the_same_bits():
    train = textures(48, 1)
    on_device = Examples(torch.from_numpy(train.images), train.labels)
    (_, first, _), (_, second, _) = trained(train=train), trained(train=on_device)
    assert all(torch.equal(first[k], second[k]) for k in first)
