"""The params of the tests with keys changed, and the sentence that refuses them."""

import pytest
from repository import PARAMS

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import decode, parse

TEXT = PARAMS.read_text(encoding="utf-8")


def changed(changes: dict[str, object]) -> dict:
    """The params with dotted keys set; `...` removes one."""
    values = decode(TEXT, "params.yaml")
    for key, value in changes.items():
        *sections, leaf = key.split(".")
        node = values
        for section in sections:
            node = node[section]
        if value is ...:
            del node[leaf]
        else:
            node[leaf] = value
    return values


def sentence(values: object) -> str:
    with pytest.raises(UserError) as caught:
        parse(values)
    message = str(caught.value)
    assert message.startswith("params.yaml: ") and "\n" not in message
    return message.removeprefix("params.yaml: ")
