"""Which columns the inputs and outputs of a network take, and what a column must be for a loss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import archspec
from archspec.data.preparation import Part, describe_data, prepare, warn_of_units
from archspec.errors import UserError
from archspec.recipe import recipe_of

RNG = np.random.default_rng(0)
CLASSIFIER = "Flatten, Dense: {units: 2, activation: softmax}"
ONE_SIGMOID = "Flatten, Dense: {units: 1, activation: sigmoid}"
THREE_SIGMOIDS = "Flatten, Dense: {units: 3, activation: sigmoid}"
NUMBER = "Flatten, Dense: 1"
MAP = "Conv2D: {filters: 1, kernel_size: 1, activation: sigmoid}"
MAP_OF_THREE = "Conv2D: {filters: 3, kernel_size: 1, activation: softmax}"
HEADS = """
outputs: [kind, age, box]
layers:
  - Flatten:
    name: trunk
  - {Dense: {units: 2, activation: softmax}, from: trunk, name: kind}
  - {Dense: 1, from: trunk, name: age}
  - {Dense: 2, from: trunk, name: box}
"""
LEARN_ALL = "loss: {age: MeanSquaredError, box: Huber}"


def net(layers: str, train: str = "", size: str = "[4, 4, 3]") -> Any:
    steps = f"layers: [{layers}]" if "layers" not in layers else layers
    size = size if "inputs" in size else f"input: {size}"
    return archspec.loads(f"archspec: 1\n{size}\n{steps}\ntrain: {{{train}}}\n")


def load(graph: Any, data: Path | str, **options: Any) -> tuple[Any, dict[str, Part]]:
    return prepare(graph, recipe_of(graph, data=str(data)), **options)


def said(call: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert str(caught.value).replace("\n", "").isprintable()
    return str(caught.value)


def arrays(folder: Path, **more: Any) -> Path:
    path = folder / "d.npz"
    images = RNG.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    np.savez(path, **{"x_train": images, "y_train": np.arange(20) % 2, **more})
    return path


def batch(part: Part) -> tuple[Any, ...]:
    return part.make_batch(part.examples)


# --- arrays --------------------------------------------------------------------------------------


def test_outputs_learn_the_arrays_of_their_names(tmp_path: Path) -> None:
    ages, boxes = np.linspace(1, 90, 20), RNG.random((20, 2))
    path = arrays(tmp_path, age_train=ages, box_train=boxes, weight_train=np.ones(20))
    dataset, parts = load(net(HEADS, LEARN_ALL), path)
    _, y = batch(parts["train"])
    assert {name: each.shape[1:] for name, each in y.items()} == {
        "kind": (), "age": (1,), "box": (2,)
    }  # fmt: skip
    assert set(y["age"][:, 0]) <= set(ages.astype(np.float32))
    at = np.searchsorted(ages.astype(np.float32), y["age"][:, 0])
    assert np.allclose(y["box"], boxes[at])  # the rows of a sample stay together
    assert (y["kind"] == at % 2).all()
    assert "not used: weight_train" in dataset.notes


def test_an_output_of_another_kind_learns_no_classes(tmp_path: Path) -> None:
    text = said(load, net(HEADS, LEARN_ALL), arrays(tmp_path))
    assert "outputs 'kind' and 'age' cannot both learn y" in text
    assert "write `targets: {age: COLUMN}` under train.data" in text


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array(["cat", "dog"] * 10), ("cat", "dog")),
        (np.array([b"cat", b"dog"] * 10), ("cat", "dog")),
        (np.eye(2)[np.arange(20) % 2], ("0", "1")),
        (np.array(["10", "9"] * 10), ("9", "10")),
    ],
)
def test_labels_are_names_or_one_hot_rows(labels: Any, classes: Any, tmp_path: Path) -> None:
    dataset, parts = load(net(CLASSIFIER), arrays(tmp_path, y_train=labels))
    assert dataset.classes == classes
    assert sorted(np.bincount(batch(parts["train"])[1])) == [9, 9]


@pytest.mark.parametrize(
    ("layers", "train", "labels", "complaint"),
    [
        (CLASSIFIER, "", np.arange(20) % 3, "has 3 classes, but output 'dense' has 2 units"),
        (CLASSIFIER, "", np.linspace(0, 1, 20), "not all of them whole"),
        (CLASSIFIER, "", np.full((20, 2), 0.5), "of classes write `loss: CategoricalCrossentropy`"),
        (ONE_SIGMOID, "", np.arange(20), "has 20 classes, but output 'dense' has 1 unit"),
        (NUMBER, "loss: mse", np.array(["a", "b"] * 10), "takes numbers"),
        (NUMBER, "loss: mse", np.ones((20, 2)), "gives 2 for each sample, but output 'dense' is 1"),
        (NUMBER, "loss: mse", np.full(20, np.nan), "row 0 holds nan"),
        (THREE_SIGMOIDS, "loss: BinaryCrossentropy", np.full((20, 3), 0.5), "row 0 holds 0.5"),
        (THREE_SIGMOIDS, "loss: BinaryCrossentropy", np.ones((20, 2)), "has 2 labels, but output"),
        (MAP, "", np.zeros((20, 3, 4)), "gives 3x4 for each sample"),
        (MAP, "", np.full((20, 4, 4), 2), "holds the value 2, but the classes of output 'conv2d'"),
        (MAP_OF_THREE, "", np.full((20, 4, 4), 255), "write `ignore_class: 255` in the loss"),
        (MAP, "", np.full((20, 4, 4), 0.5), "numbers that are not whole"),
        (MAP, "", np.arange(20) % 2, "gives one number for each sample"),
        (CLASSIFIER, "", np.arange(19) % 2, "x_train has 20 samples, y_train 19"),
    ],
)
def test_a_target_that_its_loss_does_not_take_is_refused(
    layers: str, train: str, labels: Any, complaint: str, tmp_path: Path
) -> None:
    text = said(load, net(layers, train), arrays(tmp_path, y_train=labels))
    assert complaint in text
    assert "d.npz" in text or "'dense'" in text


@pytest.mark.parametrize(
    ("layers", "train", "labels", "shape"),
    [
        (ONE_SIGMOID, "", np.arange(20) % 2, (1,)),
        (NUMBER, "loss: mse", np.arange(20), (1,)),
        (NUMBER, "loss: mse", np.arange(20)[:, None] / 7, (1,)),
        (THREE_SIGMOIDS, "loss: BinaryCrossentropy", RNG.integers(0, 2, (20, 3)), (3,)),
        (MAP, "", RNG.integers(0, 2, (20, 4, 4)) * 255, (4, 4, 1)),
        (MAP, "", RNG.integers(0, 2, (20, 4, 4, 1)).astype(bool), (4, 4, 1)),
        (MAP_OF_THREE, "", RNG.integers(0, 3, (20, 4, 4)), (4, 4)),
        (MAP_OF_THREE, "", np.eye(3)[RNG.integers(0, 3, (20, 4, 4))], (4, 4)),
        (MAP_OF_THREE, "loss: CategoricalCrossentropy", RNG.integers(0, 3, (20, 4, 4)), (4, 4, 3)),
        (MAP_OF_THREE, "loss: mse", RNG.random((20, 4, 4, 3)), (4, 4, 3)),
    ],
)
def test_a_target_has_the_shape_that_its_loss_takes(
    layers: str, train: str, labels: Any, shape: Any, tmp_path: Path
) -> None:
    _, parts = load(net(layers, train), arrays(tmp_path, y_train=labels))
    y = batch(parts["train"])[1]
    assert y.shape[1:] == shape
    assert y.max() <= max(2, labels.max()) or layers is MAP
    assert layers is not MAP or set(np.unique(y)) == {0, 1}


def test_a_column_is_named_by_the_recipe(tmp_path: Path) -> None:
    path = arrays(tmp_path, arr_0=RNG.random((20, 3)), arr_1=RNG.random(20))
    graph = net(NUMBER, "loss: mse, data: {inputs: arr_0, targets: arr_1}", "[3]")
    assert load(graph, path)[1]["train"].fits["input"].shape == (3,)
    graph = net(NUMBER, "loss: mse, data: {inputs: arr_0, targets: arr_2}", "[3]")
    assert "d has no column 'arr_2'\nhint: did you mean 'arr_1'?" in said(load, graph, path)


def test_a_part_without_targets_is_left_aside(tmp_path: Path) -> None:
    dataset, parts = load(net(CLASSIFIER), arrays(tmp_path, x_test=np.zeros((5, 4, 4, 3), "u1")))
    assert "test" not in parts
    assert "not used: x_test (there is no y of test)" in dataset.notes


def test_an_autoencoder_learns_its_input(tmp_path: Path) -> None:
    graph = net(MAP_OF_THREE, "loss: mse, data: {targets: input}")
    dataset, parts = load(graph, arrays(tmp_path))
    x, y = batch(parts["train"])
    assert y is x
    assert "output conv2d: the input itself" in describe_data(dataset, parts)
    graph = net(MAP, "loss: mse, data: {targets: input}")
    assert "learns the input, which is 4x4x3" in said(load, graph, arrays(tmp_path))


def test_words_of_an_embedding_are_not_scaled(tmp_path: Path) -> None:
    words = np.arange(60).reshape(20, 3)
    size = "inputs: {words: {shape: [3], dtype: int32}}"
    graph = net("Embedding: {input_dim: 60, output_dim: 2}, Flatten, Dense: 2", size=size)
    _, parts = load(graph, arrays(tmp_path, x_train=words))
    assert sorted(batch(parts["train"])[0][:, 0]) == sorted(
        parts["train"].examples.inputs["words"][:, 0]
    )


@pytest.mark.parametrize(
    ("stored", "size"), [((20,), "[20, 1]"), ((4, 4, 4), "[4, 4, 4, 1]"), ((4, 4), "[4, 4, 1]")]
)
def test_sounds_images_and_volumes_get_the_channel_that_is_asked_for(
    stored: Any, size: str, tmp_path: Path
) -> None:
    path = arrays(tmp_path, x_train=RNG.random((20, *stored)))
    _, parts = load(net(CLASSIFIER, size=size), path)
    assert parts["train"].fits["input"].shape == (*stored, 1)


def test_values_in_a_row_are_given_the_shape_by_the_reader(tmp_path: Path) -> None:
    path = arrays(tmp_path, x_train=np.zeros((20, 48)))
    assert "save x.reshape(-1, 4, 4, 3)" in said(load, net(CLASSIFIER), path)


def test_a_folder_of_npy_files_is_mapped_into_memory(tmp_path: Path) -> None:
    for part, count in (("train", 20), ("test", 4)):
        np.save(tmp_path / f"x_{part}.npy", RNG.random((count, 4)))
        np.save(tmp_path / f"y_{part}.npy", np.arange(count) % 2)
    dataset, parts = load(net(CLASSIFIER, size="[4]"), tmp_path)
    assert isinstance(dataset.source.parts["train"]["x"], np.memmap)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 18, "validation": 2, "test": 4
    }  # fmt: skip


def test_words_are_not_scaled_whatever_the_type_of_the_input(tmp_path: Path) -> None:
    layers = "Embedding: {input_dim: 60, output_dim: 2}, Flatten, Dense: 2"
    words = np.arange(60).reshape(20, 3)
    few = arrays(tmp_path, x_train=(words % 9).astype(np.uint8))
    assert not load(net(layers, size="[3]"), few)[0].notes
    _, parts = load(net(layers, size="[3]"), arrays(tmp_path, x_train=words))
    assert batch(parts["train"])[0].max() > 50
    text = said(load, net(layers, size="[3]"), arrays(tmp_path, x_train=words + 1))
    assert "to 60, and 'embedding' has rows for 0 to 59" in text


def test_shares_of_classes_and_labels_of_minus_1_are_taken(tmp_path: Path) -> None:
    shares = RNG.random((20, 2))
    shares /= shares.sum(axis=1, keepdims=True)
    graph = net(CLASSIFIER, "loss: KLDivergence")
    _, parts = load(graph, arrays(tmp_path, y_train=shares))
    assert np.allclose(batch(parts["train"])[1].sum(axis=1), 1)
    _, parts = load(net(NUMBER, "loss: Hinge"), arrays(tmp_path, y_train=[-1, 1] * 10))
    assert set(batch(parts["train"])[1].ravel()) == {0, 1}


def test_the_part_with_more_classes_is_named(tmp_path: Path) -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    path = arrays(tmp_path, x_test=images, y_test=[0, 1, 2])
    assert "y_test has 3 classes, but output" in said(load, net(CLASSIFIER), path)


@pytest.mark.parametrize(
    ("units", "labels", "warning"),
    [
        (3, np.arange(20) % 2, "output 'dense' has 3 units, but d has 2 classes; give it 2 units"),
        (3, np.array(["cat", "dog"] * 10), "has 3 units, but d has 2 classes"),
        (2, np.arange(20) % 2, None),
        (21, np.arange(20), None),  # numbers of words may lack the last one
        (21, np.arange(20).astype(str), None),
        (21, np.array([f"n{i}" for i in range(20)]), "has 21 units, but d has 20 classes"),
    ],
)
def test_units_that_stand_for_no_class_are_warned_of(
    units: int, labels: Any, warning: str | None, tmp_path: Path
) -> None:
    graph = net(f"Flatten, Dense: {{units: {units}, activation: softmax}}")
    path = arrays(tmp_path, y_train=labels)
    # A few samples may lack classes that the whole has.
    dataset, _ = prepare(graph, recipe := recipe_of(graph, data=str(path)), limit=5)
    found = [f"{each.message}; {each.hint}" for each in warn_of_units(graph, recipe, dataset)]
    assert len(found) == (warning is not None)
    assert all(str(warning) in each for each in found)


# --- weights -------------------------------------------------------------------------------------


def test_samples_and_classes_have_weights(tmp_path: Path) -> None:
    labels = np.array([0] * 15 + [1] * 5)
    path = arrays(tmp_path, y_train=labels, w_train=np.arange(20))
    options = "validation: 0, sample_weight: w, class_weight: {'1': 10}"
    _, parts = load(net(CLASSIFIER, f"data: {{{options}}}"), path)
    _, y, weights = batch(parts["train"])
    assert sorted(weights) == sorted(np.where(labels == 1, np.arange(20) * 10, np.arange(20)))
    assert (weights[y == 1] >= 150).all()
    _, parts = load(net(CLASSIFIER, "data: {class_weight: balanced}"), path)
    _, y, weights = batch(parts["train"])
    assert weights[y == 0].sum() == pytest.approx(weights[y == 1].sum())
    assert len(batch(parts["validation"])) == 2  # they count in training alone


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("class_weight: {cat: 2}", "names 'cat', which is no class"),
        ("sample_weight: nothing", "has no column 'nothing'"),
        ("class_weight: {'0': 0, '1': 0}", "all classes of the training set have the weight 0"),
        ("sample_weight: bad", "row 3 has the weight -1, below 0"),
        ("sample_weight: none", "none_train: all weights are 0"),
    ],
)
def test_weights_that_cannot_be_are_refused(options: str, complaint: str, tmp_path: Path) -> None:
    bad = np.ones(20)
    bad[3] = -1
    path = arrays(tmp_path, bad_train=bad, none_train=np.zeros(20))
    assert complaint in said(load, net(CLASSIFIER, f"data: {{{options}}}"), path)


def test_a_part_without_weights_is_used(tmp_path: Path) -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    path = arrays(tmp_path, w_train=np.arange(20), x_test=images, y_test=[0, 1, 1])
    dataset, parts = load(net(CLASSIFIER, "data: {sample_weight: w}"), path)
    assert (len(parts["test"]), len(batch(parts["test"]))) == (3, 2)
    assert "all samples of test count alike: there is no w of test" in dataset.notes


def test_weights_of_classes_are_for_an_output_of_classes() -> None:
    with pytest.raises(archspec.SpecError, match="class_weight is for an output of classes"):
        net(NUMBER, "loss: mse, data: {class_weight: balanced}")


# --- tables --------------------------------------------------------------------------------------


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    lines = ["path,height,weight,kind,age,x0,y0,split,tags"]
    for i in range(20):
        Image.fromarray(RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(
            tmp_path / f"images/{i}.png"
        )
        part, tags = ("train" if i < 16 else "Valid"), "a;b" if i % 3 else "c"
        lines.append(
            f"images/{i}.png,{i},{i * 2},{'ab'[i % 2]},{i + 20},{i / 20},{i / 10},{part},{tags}"
        )
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    return tmp_path / "faces.csv"


def test_a_table_gives_each_input_and_output_its_columns(faces: Path) -> None:
    size = "inputs: {image: [4, 4, 3], body: [2]}"
    layers = HEADS.replace(
        "  - Flatten:\n    name: trunk\n",
        "  - {Flatten: , from: image, name: flat}\n"
        "  - {Concatenate: , from: [flat, body], name: trunk}\n",
    )
    options = "inputs: {body: [height, weight]}, targets: {box: [x0, y0]}, part: split"
    graph = net(layers, f"{LEARN_ALL}, data: {{{options}}}", size)
    dataset, parts = load(graph, faces)
    x, y = batch(parts["train"])
    assert {name: len(part) for name, part in parts.items()} == {"train": 16, "validation": 4}
    assert (x["body"][:, 1] == 2 * x["body"][:, 0]).all()  # numbers of a table stay as they are
    assert np.allclose(y["age"][:, 0], x["body"][:, 0] + 20)
    assert np.allclose(y["box"][:, 0], x["body"][:, 0] / 20)
    assert (y["kind"] == x["body"][:, 0] % 2).all()
    first = int(x["body"][0, 0])
    stored = np.asarray(Image.open(faces.parent / f"images/{first}.png"))
    assert np.allclose(x["image"][0] * 255, stored, atol=1e-3)
    assert dataset.notes == ("not used: tags",)


def test_a_column_of_several_labels(faces: Path) -> None:
    graph = net(THREE_SIGMOIDS, "loss: BinaryCrossentropy, data: {targets: tags}")
    dataset, parts = load(graph, faces)
    assert dataset.targets["dense"].classes == ("a", "b", "c")
    assert {tuple(row) for row in batch(parts["train"])[1]} == {(1, 1, 0), (0, 0, 1)}


@pytest.mark.parametrize(
    ("layers", "train", "complaint"),
    [
        (NUMBER, "loss: mse", "takes numbers, but"),
        (CLASSIFIER, "data: {targets: kinds}", "did you mean 'kind'?"),
        (CLASSIFIER, "data: {targets: kind, part: kind}", "is 'a', which is no part of a dataset"),
        (NUMBER, "loss: mse, data: {targets: kind}", "takes numbers, but"),
        (CLASSIFIER, "data: {targets: kind, inputs: tags}", "which holds 'c'"),
    ],
)
def test_a_table_that_leaves_a_question_is_refused(
    layers: str, train: str, complaint: str, faces: Path
) -> None:
    assert complaint in said(load, net(layers, train), faces)


def test_a_table_of_features_needs_no_word(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{i},2,{'xyz'[i % 3]}" for i in range(30))
    (tmp_path / "iris.csv").write_text(f"length,width,depth,species\n{rows}\n")
    graph = net("Dense: {units: 3, activation: softmax}", size="[3]")
    dataset, parts = load(graph, tmp_path / "iris.csv")
    x, y = batch(parts["train"])
    assert (y == x[:, 0] % 3).all()
    assert dataset.classes == ("x", "y", "z")
    assert load(graph, tmp_path)[0].name == "iris"  # the only table of a folder


def test_a_column_that_says_parts_is_pointed_out(faces: Path) -> None:
    dataset, _ = load(net(CLASSIFIER, "data: {targets: kind}"), faces)
    assert any(note.startswith("split seems to say which part") for note in dataset.notes)
    text = said(load, net(CLASSIFIER.replace("2,", "10,"), "data: {part: split}"), "digits")
    assert "digits is no table with a column 'split'" in text


def test_rows_of_the_same_image_and_images_without_a_row_are_said(faces: Path) -> None:
    lines = faces.read_text().splitlines()
    lines[-1] = lines[1].replace(",train,", ",test,")
    lines[2] = lines[3]
    faces.write_text("\n".join(lines))
    (faces.parent / "images/9.txt").write_text("no image")
    graph = net(CLASSIFIER, "data: {targets: kind, part: split}")
    dataset, _ = load(graph, faces)
    images = faces.parent / "images"
    assert [note for note in dataset.notes if "image" in note] == [
        f"several rows of train name the same image: 1 image, such as {images}/2.png",
        f"rows of test name images of train: 1 image, such as {images}/0.png",
        f"not used, because no row names them: 2 images, such as {images}/1.png",
    ]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ("Cat,cat,dog", "kind: 'Cat' and 'cat' are two classes: write them alike if not"),
        ("1,1.0,2", "kind: '1' and '1.0' are two classes: write them alike if not"),
        ("x,y,N/A", "kind: 'N/A' is a class: remove these rows if it is a missing value"),
        ("x,y,none", None),
    ],
)
def test_names_of_classes_that_may_be_mistakes_are_said(
    values: str, note: str | None, tmp_path: Path
) -> None:
    rows = [f"{i},{value}\n" for i, value in enumerate(values.split(",") * 5)]
    (tmp_path / "t.csv").write_text("a,kind\n" + "".join(rows))
    graph = net("Dense: 3", "data: {targets: kind}", "[1]")
    assert load(graph, tmp_path / "t.csv")[0].notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("text", "layers", "train", "size", "hint"),
    [
        ("a|b|kind\n1|2|x\n3|4|y\n", "Dense: 2", "", "[2]",
         "it has the column a|b|kind\nhint: put a comma, a semicolon or a tab between"),
        ("a,price\n1,1.5\n2,2.5\n3,3\n", "Dense: 1", "data: {targets: price}", "[1]",
         "if these are numbers to be learnt, write `loss: MeanSquaredError`"),
        ('a,price\n1,"1,500.5"\n2,"2,500"\n', "Dense: 1", "loss: mse, data: {targets: price}",
         "[1]", "line 2, column 'price' is '1,500.5', which is no finite number"),
        ("a,price\n1,$5\n2,$6\n", "Dense: 1", "loss: mse, data: {targets: price}", "[1]",
         "takes numbers, but {}: price holds '$5'"),
    ],
)  # fmt: skip
def test_a_table_is_refused_with_what_is_to_be_done(
    text: str, layers: str, train: str, size: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load(net(layers, train, size), path)
    assert hint.format(path) in f"{caught.value.args[0]}\nhint: {caught.value.hint}"


def test_one_hot_columns_name_their_classes(tmp_path: Path) -> None:
    rows = [f"{i},{i % 2},{(i + 1) % 2}\n" for i in range(20)]
    (tmp_path / "t.csv").write_text("a,cat,dog\n" + "".join(rows))
    graph = net("Dense: 2", "data: {targets: [cat, dog]}", "[1]")
    dataset, parts = load(graph, tmp_path / "t.csv")
    x, y = batch(parts["train"])
    assert dataset.classes == ("cat", "dog")
    assert (y == (x[:, 0] + 1) % 2).all()


def test_a_column_that_is_given_and_learnt_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(20)))
    both = "data: {inputs: [a, b], targets: b}"
    dataset, _ = load(net("Dense: 2", both, "[2]"), tmp_path / "t.csv")
    assert dataset.notes == ("output 'dense' learns b, which the network is also given",)
    itself = "loss: mse, data: {inputs: [a, b], targets: [a, b]}"
    assert not load(net("Dense: 2", itself, "[2]"), tmp_path / "t.csv")[0].notes
    twice = net("Dense: 2", "data: {inputs: [a, a], targets: b}", "[2]")
    assert "train.data.inputs names 'a' twice" in said(load, twice, tmp_path / "t.csv")


def test_numbers_of_a_flat_input_are_no_names_of_files(faces: Path) -> None:
    (faces.parent / "images/2.jpg").write_bytes((faces.parent / "images/2.png").read_bytes())
    graph = net("Dense: 1", "loss: mse, data: {inputs: height, targets: age}", "[1]")
    x, _ = batch(load(graph, faces)[1]["train"])
    assert x.shape[1:] == (1,)


# --- masks and images alone ----------------------------------------------------------------------


MAP_OF_TWO = MAP_OF_THREE.replace("3,", "2,", 1)


@pytest.mark.parametrize(
    ("layers", "loss", "values"),
    [
        (MAP_OF_TWO, "", (0, 255)),
        *((layers, f"loss: {loss}", values) for layers in (MAP, MAP_OF_TWO)
          for loss in ("Dice", "Tversky") for values in ((0, 1), (0, 255))),
    ],
)  # fmt: skip
def test_a_mask_in_black_and_white_is_one_of_two_classes(
    layers: str, loss: str, values: tuple[int, int], tmp_path: Path
) -> None:
    places = RNG.integers(0, 2, (6, 4, 4))
    for i, place in enumerate(places):
        for name, image in (("images", place * 255), ("masks", np.array(values)[place])):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(image.astype(np.uint8)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "t.csv").write_text(
        "path,mask\n" + "".join(f"images/{i}.png,masks/{i}.png\n" for i in range(6))
    )
    train = f"{loss}{', ' if loss else ''}data: {{validation: 0, targets: mask}}"
    for name in ("", "t.csv"):
        dataset, parts = load(net(layers, train, "[4, 4, 1]"), tmp_path / name)
        x, y = batch(parts["train"])
        y = y.argmax(axis=-1) if y.ndim == 4 and y.shape[-1] == 2 else y.reshape(6, 4, 4)
        assert (x[..., 0] == y).all()
        assert dataset.targets[next(iter(dataset.targets))].task == "mask"


def test_bytes_of_0_and_1_are_no_pixels_of_a_target(tmp_path: Path) -> None:
    mask = RNG.integers(0, 2, (20, 4, 4), dtype=np.uint8)
    _, parts = load(net(MAP, "loss: Dice, data: {validation: 0}"), arrays(tmp_path, y_train=mask))
    assert batch(parts["train"])[1].max() == 1
    path = arrays(tmp_path, y_train=mask.astype(np.int64) * 255)
    text = said(load, net(MAP, "loss: Dice"), path)
    assert "go from 0 to 255, and output 'conv2d' has the loss Dice" in text
    path = arrays(tmp_path, y_train=mask * 255)
    _, parts = load(net(MAP, "loss: Dice"), path)
    assert batch(parts["train"])[1].max() == 1


def test_masks_of_two_classes_are_said_to_be_of_0_and_1(tmp_path: Path) -> None:
    path = arrays(tmp_path, y_train=np.eye(4, dtype=np.uint8)[None].repeat(20, 0) * 128)
    for layers in (MAP, MAP_OF_TWO):
        assert "save 0 and 1, or 0 and 255, in all masks" in said(load, net(layers), path)


def test_classes_that_no_mask_has_are_said(tmp_path: Path) -> None:
    path = arrays(tmp_path, y_train=np.zeros((20, 4, 4), np.uint8))
    dataset, _ = load(net(MAP_OF_THREE), path)
    assert "y: no place in training is of class 1, 2" in dataset.notes


def test_masks_beside_images(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for i in range(6):
        image = RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / f"images/{i}.png")
        mask = ((image[..., 0] > 127) * 255).astype(np.uint8)
        Image.fromarray(mask).save(tmp_path / f"masks/{i}.png")
    _, parts = load(net(MAP), tmp_path)
    x, y = batch(parts["train"])
    assert ((x[..., :1] > 0.499) == y).all()
    graph = net(MAP_OF_THREE, "loss: mse, data: {targets: input}")
    (note,) = load(graph, tmp_path)[0].notes
    assert note.startswith("not used, because they are masks: 6 images")
    (tmp_path / "masks/5.png").unlink()
    assert "1 image has no mask, such as 5.png" in said(load, net(MAP), tmp_path)
