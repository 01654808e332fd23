"""Draw docs/generator.svg and docs/discriminator.svg: the paper's two networks, from their code."""

import html
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator

DOCS = Path(__file__).resolve().parents[1] / "docs"
SIDE = 128  # of an HR image
WIDTH, BOX, GAP, LEFT, RIGHT = 380, 32, 20, 20, 300
MIDDLE = (LEFT + RIGHT) // 2
INK, PAPER, LINE, FILL = "#1b2733", "#ffffff", "#5b6b7a", "#dbe8f6"


def said(layer: nn.Module) -> str:
    """A layer in words."""
    match layer:
        case nn.Conv2d():
            (side, _), (stride, _) = layer.kernel_size, layer.stride
            halved = f", stride {stride}" if stride > 1 else ""
            return f"conv {side}×{side}, {layer.out_channels} maps{halved}"
        case nn.BatchNorm2d():
            return "BatchNorm"
        case nn.LeakyReLU():
            return f"LeakyReLU {layer.negative_slope}"
        case nn.PixelShuffle():
            return f"pixel shuffle ×{layer.upscale_factor}"
        case nn.AdaptiveAvgPool2d():
            return "mean over the image"
        case nn.Linear():
            return f"dense {layer.out_features}"
        case _:
            return type(layer).__name__


def in_words(layers: Iterable[nn.Module]) -> str:
    """Layers that follow each other, in words."""
    return " · ".join(said(layer) for layer in layers if not isinstance(layer, nn.Flatten))


class Drawing:
    """Boxes one below the other, joined by arrows; how large the image is stands beside them."""

    def __init__(self, title: str):
        self.title, self.parts, self.y = title, [], 16

    def text(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        """One line of text around (or from) x, its middle at y."""
        self.parts.append(
            f'<text x="{x:g}" y="{y + 4:g}" text-anchor="{anchor}">{html.escape(words)}</text>'
        )

    def path(self, d: str, arrow: bool = True) -> None:
        """A line."""
        end = ' marker-end="url(#arrow)"' if arrow else ""
        self.parts.append(f'<path d="{d}"{end}/>')

    def box(self, *lines: str, beside: str = "", plain: bool = False) -> None:
        """Add a box below the last one."""
        if self.parts:
            self.path(f"M{MIDDLE} {self.y}V{self.y + GAP - 2}")
            self.y += GAP
        top, height = self.y, BOX + 18 * (len(lines) - 1)
        look = f'fill="{PAPER}" stroke-dasharray="4 3"' if plain else f'fill="{FILL}"'
        self.parts.append(
            f'<rect x="{LEFT}" y="{top}" width="{RIGHT - LEFT}" height="{height}" rx="6" {look}/>'
        )
        for i, line in enumerate(lines):
            self.text(MIDDLE, top + BOX / 2 + 18 * i, line)
        if beside:
            self.text(RIGHT + 34, top + height / 2, beside, "start")
        self.y = top + height

    def skip(self, start: float) -> None:
        """A line from a height past all boxes since, to where it is added to the last one's."""
        x, plus = RIGHT + 20, self.y + 28
        self.path(f"M{MIDDLE} {start:g}H{x}V{plus}H{MIDDLE + 10}")
        self.path(f"M{MIDDLE} {self.y}V{plus - 10}")
        self.parts.append(f'<circle cx="{MIDDLE}" cy="{plus}" r="8" fill="{PAPER}"/>')
        self.text(MIDDLE, plus, "+")
        self.y = plus + 8

    def svg(self) -> str:
        """The picture, on a sheet of its own colour, so that it is read on dark pages too."""
        height = self.y + 16
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="12">\n'
            f"<title>{html.escape(self.title)}</title>\n"
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" '
            f'style="fill:{LINE};stroke:none"/></marker></defs>\n'
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}"/>\n'
            f"<style>path,rect,circle{{stroke:{LINE}}}path{{fill:none}}text{{fill:{INK}}}</style>\n"
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def generator() -> str:
    """The generator, of the paper's size."""
    with torch.device("meta"):
        network = Generator()
    (block, *others) = network.body.children()
    inside = list(block.body.children())  # pyright: ignore[reportAttributeAccessIssue]
    small, drawing = SIDE // 4, Drawing("The generator, SRResNet")
    drawing.box("LR image, 3 colours", beside=f"{small} px", plain=True)
    drawing.box(in_words(network.head))
    below_head = drawing.y + GAP / 2 - 1
    drawing.box(
        f"{1 + len(others)} residual blocks, each:",
        in_words(inside[:3]),
        in_words(inside[3:]),
        "added to what came in",
    )
    drawing.box(in_words(network.join))
    drawing.skip(below_head)
    side = small
    for doubling in network.enlarge:
        side *= 2
        conv, *rest = doubling.children()
        drawing.box(said(conv), in_words(rest), beside=f"{side} px")
    drawing.box(said(network.tail))
    drawing.box("SR image, 3 colours", beside=f"{side} px", plain=True)
    return drawing.svg()


def discriminator() -> str:
    """The discriminator, of the paper's size."""
    with torch.device("meta"):
        network = Discriminator()
    drawing = Drawing("The discriminator")
    drawing.box("SR or HR image, 3 colours", beside=f"{SIDE} px", plain=True)
    groups: list[list[nn.Module]] = []
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            groups.append([])
        groups[-1].append(layer)
    side = SIDE
    for conv, *rest in groups:
        stride = conv.stride[0]  # pyright: ignore[reportIndexIssue]
        side //= stride  # pyright: ignore[reportOperatorIssue]
        drawing.box(said(conv), in_words(rest), beside=f"{side} px" if stride == 2 else "")
    pool, _, dense, slope, last = network.head
    drawing.box(said(pool))
    drawing.box(in_words([dense, slope]))
    drawing.box(said(last))
    drawing.box("one number: the more, the more real", plain=True)
    return drawing.svg()


def main() -> None:
    """Write both."""
    for draw in (generator, discriminator):
        (DOCS / f"{draw.__name__}.svg").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
