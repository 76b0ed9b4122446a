"""Open a source of weights: a run, a file of a Keras model, or a model of keras.applications."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from archspec.backends.spec_yaml import flat_name
from archspec.differences.flat import restore_scopes
from archspec.errors import UserError
from archspec.expand.scopes import snake_case
from archspec.foreign import APPLICATION
from archspec.graph import Facts, Graph, Node
from archspec.importing.applications import check_application
from archspec.importing.files import Model, read_model
from archspec.importing.specs import to_imported
from archspec.importing.weights import (
    UnreadWeight,
    WrongWeight,
    count_arrays,
    find_array,
    list_groups,
    list_named,
    number,
    open_weights,
)
from archspec.reading import kind_of, open_file, readable
from archspec.runs.folder import BEST, RunFolder

WEIGHTS = ".weights.h5"
KINDS = "a run's folder, a .keras or .weights.h5 file, or keras.applications.NAME"
Group = tuple[str, ...]
Read = Callable[[Node, str], Any]


class WeightSource(Struct, frozen=True, eq=False):
    """Weights to begin with, and the network that they are of.

    name: what messages call it. path: the file that has the weights; None of a model in memory.
    groups: where it has those of each layer, by the name of the layer's node. model: the one in
    memory. note: what is to be known of them, in words.
    """

    name: str
    graph: Graph
    path: Path | None
    groups: Mapping[str, Group]
    model: Any = None
    note: str = ""

    def describe(self) -> dict[str, Any]:
        """Return what a run remembers of it: name, network, and the SHA-256 of its file."""
        said = {"from": self.name, "fingerprint": self.graph.fingerprint}
        if self.path is not None:
            with open_file(self.path, 2**40) as file:
                digest = hashlib.sha256()
                while part := file.read(2**20):
                    digest.update(part)
                said["sha256"] = digest.hexdigest()
        return said


def open_source(given: str | Path, spec: Graph | None, network: Graph) -> WeightSource:
    """Return the weights that a network is to begin with.

    given: the folder of a run, a .keras or .weights.h5 file, or keras.applications.NAME. spec: the
    network that the weights of a .weights.h5 file are of, by default `network` itself.

    Raises `UserError` for anything else, and where the file is not of that network; `SpecError` for
    a Keras model that no spec can say.
    """
    text, path = str(given), Path(given).expanduser()
    is_weights = text.endswith(WEIGHTS)
    if spec is not None and not is_weights:
        message = f"{readable(given)} says by itself which network its weights are of"
        raise UserError(message, f"leave the spec out: it is for a {WEIGHTS} file")
    kind = kind_of(path)
    if kind is None and text.startswith(APPLICATION):
        return _open_application(text)
    if kind == "folder":
        return _open_run(path)
    if kind is None:
        raise UserError(f"{readable(given)}: there is no such file", f"weights come from {KINDS}")
    if is_weights:
        return _open_weights_file(path, spec or network, spec is not None)
    if path.suffix != ".keras":
        message = f"{readable(given)}: weights are not read from such a file"
        raise UserError(message, f"give {KINDS}")
    model = read_model(path)
    graph, names = _import(model)
    groups = {"/".join(names): group for names, group in list_groups(model.config).items()}
    nodes = {node: groups[layer] for layer, node in names.items() if layer in groups}
    return _checked(WeightSource(text, graph, path, nodes))


def _import(model: Model) -> tuple[Graph, Mapping[str, str]]:
    """Return the network of a model, whose layers keep their names, and these by its own."""
    imported = to_imported(model, flat=True)
    graph = restore_scopes(imported.graph)
    now = dict(zip(imported.graph.by_name, graph.by_name, strict=True))
    return graph, {layer: now[node] for layer, node in imported.names.items()}


def _checked(source: WeightSource) -> WeightSource:
    """Return a source whose file has all its weights, in the shapes of its network.

    Raises `UserError` for any other source, before anything is printed or read.
    """
    assert source.path is not None
    with open_weights(source.path) as weights:
        try:
            for node, name, place in _list_weights(source.graph):
                _find(source, weights, node, name, place)
        except WrongWeight as wrong:
            raise UserError(f"{readable(source.name)}: {wrong}") from None
    return source


def _open_run(path: Path) -> WeightSource:
    folder = RunFolder.open(path)
    graph, _ = folder.read_spec()
    status = folder.read_facts()["status"]
    if kind_of(path / BEST) is None and status != "finished":
        message = f"{path} has no model yet: its status is {status}"
        raise UserError(message, "a run has one once its first epoch has ended")
    epoch = folder.read_best_epoch(graph.total_params)
    layers = list_groups(read_model(path / BEST).config)
    nodes = {
        node.name: layers[(flat_name(node.name),)]
        for node in graph
        if (flat_name(node.name),) in layers
    }
    said = f"the best epoch so far, {epoch}, of a run that is {status}"
    return _checked(
        WeightSource(
            str(path), graph, path / BEST, nodes, note="" if status == "finished" else said
        )
    )


def _open_application(name: str) -> WeightSource:
    """Return a model of keras.applications, whose weights Keras downloads or has downloaded."""
    from archspec.backends import framework

    check_application(name.removeprefix(APPLICATION))
    framework.start()
    import keras

    try:
        model = getattr(keras.applications, name.removeprefix(APPLICATION))()
    except Exception as error:  # of the network, of a file of the cache
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "Keras downloads them once, to ~/.keras/models: with a connection, try again"
        raise UserError(f"{name}: its weights cannot be loaded: {said}", hint) from None
    graph, names = _import(read_model(model))
    nodes = {node: tuple(layer.split("/")) for layer, node in names.items()}
    return WeightSource(name, graph, None, nodes, model)


def _open_weights_file(path: Path, graph: Graph, is_named: bool) -> WeightSource:
    """Return the weights of a file without a config. All of those of the network must be there, in
    its shapes, and no others. is_named: whether the user has named the network for them."""
    from archspec.backends import framework

    framework.start()
    message = f"{readable(path)} does not have the weights of {graph.name}: "
    hint = "name the spec that they are of: --init-spec SPEC, in Python init_spec"
    if is_named:
        hint = "name the spec that they are of, with its settings in the file"
    with open_weights(path) as weights:
        source = WeightSource(str(path), graph, path, _find_groups(graph, list_named(weights)))
        try:
            for node, name, place in _list_weights(graph):
                _find(source, weights, node, name, place)
        except UnreadWeight as wrong:
            raise UserError(f"{readable(path)}: {wrong}") from None
        except WrongWeight as wrong:
            raise UserError(f"{message}{wrong}", hint) from None
        expected = sum(name != "count" for _, name, _ in _list_weights(graph))
        if (found := count_arrays(weights)) != expected:
            raise UserError(f"{message}it has {found} of them in place of {expected}", hint)
    return source


def _find_groups(graph: Graph, named: Mapping[str, Group]) -> dict[str, Group]:
    """Return the group of each layer with weights: by its name where the file has all names, which
    older files lack, else by its number among those of its class, in the order of the model."""
    from archspec.backends.keras import to_keras

    nodes = {node.name: flat_name(node.name) for node, _, _ in _list_weights(graph)}
    found = named
    if not named.keys() >= {*nodes.values()}:
        counts: Counter[str] = Counter()
        found = {
            layer.name: ("layers", number(snake_case(type(layer).__name__), counts))
            for layer in to_keras(graph).layers
        }
    return {name: found[flat] for name, flat in nodes.items()}


def _list_weights(graph: Graph) -> Iterator[tuple[Node, str, int]]:
    """Yield each weight of a graph with its place among those of its layer."""
    for node in graph:
        if node.reuses is None and node.facts:
            for name in node.facts.weights:
                yield node, name, place_weight(node.facts, name)


def place_weight(facts: Facts, weight: str) -> int:
    """Return the place of a weight among those of its layer, or of the layer within that."""
    inside = weight.rpartition("/")[0]
    beside = [name for name in facts.weights if name.rpartition("/")[0] == inside]
    return beside.index(weight)


@contextmanager
def reading_weights(source: WeightSource) -> Iterator[Read]:
    """Give a function that returns the values of a weight of a node.

    It raises `UserError` for one that is not there as it must be.
    """
    if source.path is None:
        yield lambda node, weight: _convert(source, node, weight)
        return
    with open_weights(source.path) as weights:

        def read(node: Node, weight: str) -> Any:
            import numpy as np

            try:
                assert node.facts is not None
                found = _find(source, weights, node, weight, place_weight(node.facts, weight))
                values = found[()].reshape(found.shape)
                title = f"the {weight} of {node.name}"
                with np.errstate(over="ignore"):
                    is_finite = np.isfinite(values.astype("float32")).all()
                if not is_finite:
                    raise WrongWeight(f"{title} has values that are not finite in float32")
                if weight.endswith("variance") and (values < 0).any():
                    raise WrongWeight(f"{title} has values below 0")
            except WrongWeight as wrong:
                raise UserError(f"{readable(source.name)}: {wrong}") from None
            return values

        yield read


def _find(source: WeightSource, weights: Any, node: Node, weight: str, place: int) -> Any:
    """Return the data set of a weight, which has the shape that it must have.

    Raises `WrongWeight`, with a message that is a sentence.
    """
    title = f"the {weight} of {node.name}"
    assert node.facts is not None
    if node.name not in source.groups:
        raise WrongWeight(f"{title} is not in the file")
    try:
        found = find_array(weights, source.groups[node.name], weight, place)
    except WrongWeight as wrong:
        raise type(wrong)(f"{title} {wrong}") from None
    if found.shape != tuple(node.facts.weights[weight]):
        shapes = [list(found.shape), list(node.facts.weights[weight])]
        raise WrongWeight(f"{title} has the shape {shapes[0]} there in place of {shapes[1]}")
    return found


def _convert(source: WeightSource, node: Node, weight: str) -> Any:
    """Return the values of a weight of a model in memory."""
    import keras

    layer = source.model
    for name in source.groups[node.name]:
        layer = layer.get_layer(name)
    assert node.facts is not None
    return keras.ops.convert_to_numpy(layer.weights[list(node.facts.weights).index(weight)])
