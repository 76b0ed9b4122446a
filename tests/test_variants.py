"""The files of `examples/variants` are the networks that their bases become by changing the text.

Each is held to the whole file of its base, with the change written into blocks and steps.
"""

import runpy

import pytest
from shipped import ROOT, SPECS
from shrinking import slow_but_first

import archspec

FOLDER = ROOT / "examples" / "variants"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}

ATTENDED = """\
blocks:
  attended:
    inputs: [skip, larger]
    layers:
      - Conv2D: {filters: =skip.channels // 2, kernel_size: 1, activation: linear}
        from: skip
        name: key
      - Conv2D: {filters: =skip.channels // 2, kernel_size: 1, activation: linear}
        from: larger
      - Add:
        from: [previous, key]
      - ReLU
      - Conv2D: {filters: 1, kernel_size: 1, activation: sigmoid}
      - Multiply:
        from: [skip, previous]
      - Concatenate:
        from: [previous, larger]
"""
ATTENTION = """\
blocks:
  attention:
    layers:
      - branches:
          all: []
          gate:
            - GlobalAveragePooling2D
            - Reshape: "=[previous.shape[0], 1]"
            - Conv1D:
                {filters: 1, kernel_size: 3, padding: same, use_bias: false, activation: sigmoid}
            - Reshape: [1, 1, =previous.length]
        merge: Multiply
"""
SQUEEZED = """\
      - squeeze_excite:
          filters: =channels // 4
          activation: silu
          kernel_initializer: =initializer
"""
NARROW = """\
      - Conv2D: {filters: =4 * growth, kernel_size: 1}
      - BatchNormalization
      - Activation: relu
"""
SHORTCUT = """\
      - Add:
        from: [input, previous]
        when: =strides == 1 and channels == filters
"""
LAST = "- Conv2D: {filters: =filters * expansion, kernel_size: 1}"
HEAD = "- Dense: {units: =classes, activation: =classifier_activation}\n    name: head"
CONVOLUTION = "Conv2D: {filters: =width, kernel_size: =kernel, padding: same, activation: relu}\n"

# name -> the base, and what stands in its file in place of each text
WHOLE: dict[str, tuple[str, dict[str, str]]] = {
    "anti_aliased_resnet50": (
        "resnet50_imagenet",
        {
            "input: [": "import: [blur_pool]\ninput: [",
            "- MaxPooling2D: {pool_size: 3, strides: 2}": (
                "- {layers: [MaxPooling2D: {pool_size: 3, strides: 1}, blur_pool]}"
            ),
            "kernel_size: 1, strides: ==}": "kernel_size: 1}",
            LAST: f"- {{layers: [{{blur_pool: , when: =strides > 1}}, {LAST[2:]}]}}",
        },
    ),
    "attention_unet": (
        "unet",
        {"blocks:\n": ATTENDED, "merge: Concatenate": "merge: attended"},
    ),
    "convnext_without_scale": ("convnext_tiny", {"      - layer_scale\n": ""}),
    "densenet_c": ("densenet121", {NARROW: ""}),
    "dilated_resnet50": (
        "resnet50_imagenet",
        {
            "classes: 1000": "classes: 21",
            "params: {filters: null, strides: 1": "params: {filters: null, strides: 1, rate: 1",
            "residual: {filters: ==": "residual: {rate: ==, filters: ==",
            "kernel_size: 3, padding: same": "kernel_size: 3, padding: same, dilation_rate: =rate",
            "=2 if stage and not unit else 1": (
                "=2 if stage == 1 and not unit else 1, rate: '=max(1, 2 * (stage - 1))'"
            ),
            "GlobalAveragePooling2D": "Conv2D: {filters: =classes, kernel_size: 1}",
            HEAD: "- UpSampling2D: {size: 8, interpolation: bilinear}\n  - Softmax",
        },
    ),
    "eca_resnet50": (
        "resnet50_imagenet",
        {
            "blocks:\n": ATTENTION,
            "- residual: {filters: ==, strides: ==}": (
                "- {layers: [residual: {filters: ==, strides: ==}, attention]}"
            ),
        },
    ),
    "efficientnet_lite0": (
        "efficientnet_b0",
        {
            SQUEEZED: "",
            "Activation: {activation: silu}": "ReLU: {max_value: 6}",
            ", Activation]": ", ReLU]",
            "- Activation\n": "- ReLU\n",
        },
    ),
    "mobilenet_v2_plain": ("mobilenet_v2", {SHORTCUT: ""}),
    "resnet50_b": (
        "resnet50_imagenet",
        {
            "{filters: ==, kernel_size: 1, strides: ==}": "{filters: ==, kernel_size: 1}",
            "kernel_size: 3, padding: same": "kernel_size: 3, padding: same, strides: ==",
        },
    ),
    "se_googlenet": (
        "googlenet",
        {
            "input: [": "import: [squeeze_excite]\ninput: [",
            "merge: Concatenate\n": "merge: Concatenate\n      - squeeze_excite\n",
        },
    ),
    "vgg16_bn": (
        "vgg16_imagenet",
        {
            CONVOLUTION: (
                f"layers: [{CONVOLUTION.replace(', activation: relu', '').strip()}, "
                "BatchNormalization, Activation: relu]\n"
            )
        },
    ),
    "vit_pooled": (
        "vit_b16",
        {
            "  - class_token\n": "",
            "Cropping1D: [0, =previous.length - 1]": "GlobalAveragePooling1D",
            "  - Flatten\n": "",
        },
    ),
}


def write_whole(name: str) -> str:
    base, changes = WHOLE[name]
    text = SPECS[base].read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, f"{base} has no {old!r} to change"
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", slow_but_first(FILES, 3))
@pytest.mark.thorough
def test_a_variant_is_its_base_with_the_change_written_into_it(name: str) -> None:
    written = archspec.loads(write_whole(name))
    assert archspec.load(FILES[name]).fingerprint == written.fingerprint
    assert archspec.load(SPECS[WHOLE[name][0]]).fingerprint != written.fingerprint


@pytest.mark.parametrize("name", FILES)
@pytest.mark.thorough
def test_a_variant_is_sound_without_a_warning(name: str) -> None:
    assert archspec.check(FILES[name]) == []


@pytest.mark.parametrize("name", FILES)
def test_a_variant_says_its_source_and_writes_no_layers(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert text.startswith("# Source: ")
    assert "\nlayers:" not in text
    assert "\nedit:" in text


@pytest.mark.thorough
def test_the_table_is_what_its_command_makes() -> None:
    script = runpy.run_path(str(ROOT / "examples" / "costs.py"))
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert script["replace_table"](page, script["make_table"](FOLDER)) == page
    assert set(FILES) == set(WHOLE)
