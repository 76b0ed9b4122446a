"""Report words that the language does not have: keys, and names of layers."""

from __future__ import annotations

import re

from archspec import foreign, recipe
from archspec.analysis.measures import CONTRACTS
from archspec.arguments import show
from archspec.errors import Span, Suggestion, closest, did_you_mean, one_of
from archspec.infer import explain_lacking, suggest_kind, suggest_nearest
from archspec.layers import LAYERS
from archspec.objects import KINDS, TABLES, snake_case
from archspec.schema.check_result import CheckResult, Notes, find_rank
from archspec.schema.define_steps import BLOCK_NAME
from archspec.schema.validator import Fault, name_subject
from archspec.syntax.source import to_plain
from archspec.syntax.words import BESIDE, MODIFIERS, RESERVED, WORDS

# Words at the top of a file; if one is misspelt, the rest of the file cannot be checked.
NEEDED = ("params", "input", "inputs", "blocks", "defaults", "import", "extends")


# --- keys of a mapping ---------------------------------------------------------------------------


def report_word(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key of a block, or of an input."""
    hint = _did_you_mean(key, fault.known_keys, fault) or _known_words(fault)
    _report_word(key, f" in `{fault.path[-1]}`", hint, fault, result)


def report_word_of_file(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key at the top of a file."""
    if closest(key, fault.known_keys) in NEEDED:
        result.fatal = True
    hint = _did_you_mean(key, fault.known_keys, fault) or _known_words(fault)
    folded = key.replace("_", "").casefold()
    if key in recipe.RECIPE or folded in foreign.TRAIN:
        hint = f"it belongs to the recipe: train: {{{key}: ...}}"
    elif folded in foreign.TOP:
        hint = foreign.TOP[folded]
        shape = to_plain(fault.value.data[key])
        if hint == foreign.SHAPE_ABOVE and isinstance(shape, list):
            hint = f"write input: {show(shape)}"
            hint = "`input` is given already; remove this" if "input" in fault.value.data else hint
    _report_word(key, "", hint, fault, result)


def _known_words(fault: Fault) -> str:
    return f"the words here: {', '.join(fault.known_keys)}"


def _report_word(key: str, where: str, hint: str, fault: Fault, result: CheckResult) -> None:
    if key in LAYERS:
        hint = f"a layer is a step of a list: `- {key}: ...` under `layers`"
    message = f"there is no word '{key}'{where}"
    result.error("unknown-word", message, fault.value.key_span(key), hint, fault.notes)


def report_argument(key: str, fault: Fault, result: CheckResult) -> None:
    """Report an argument that a layer, an object or the recipe does not have."""
    code, noun, owner = "unknown-argument", "argument", fault.owner
    if owner in ("train", "data"):
        code, noun, owner = "unknown-word", "word", "train.data" if owner == "data" else owner
    hint = _meant_argument(key, fault)
    message = f"{owner} has no {noun} '{key}'"
    result.error(code, message, fault.value.key_span(key), hint, fault.notes)


def _meant_argument(key: str, fault: Fault) -> str:
    """Return a hint for an argument that its owner does not have."""
    owner, known = fault.owner, fault.known_keys
    elsewhere: str | None = None
    if owner == "train":
        elsewhere = recipe.suggest_key(key)
    elif owner == "data":
        elsewhere = foreign.DATA.get(key.replace("_", "").casefold())
    elif owner in LAYERS:
        elsewhere = foreign.ARGUMENTS.get(key.replace("_", "").casefold())
    elif owner in TABLES["optimizer"]:
        elsewhere = foreign.OPTIMIZER_ARGUMENTS.get(key.replace("_", "").casefold())
    ours = re.match(r"write (\w+)", elsewhere or "")
    if ours and ours[1] not in known and owner not in ("train", "data"):
        elsewhere = None
    numbered = [each for each in known if re.fullmatch(rf"{re.escape(key.rstrip('s'))}_\d", each)]
    written = re.fullmatch(r"(\w+)(\s+|:|\s*=\s*)(\S.*)", key)  # `units 3`, `units:3`, `units=3`
    if elsewhere:
        return elsewhere
    if key in MODIFIERS and owner in LAYERS:
        return f"'{key}' stands beside '{owner}', not inside it"
    if written and written[1] in known:
        what = "space is missing after the colon" if written[2] == ":" else "colon is missing"
        meant = f"{written[1]}: {written[3]}"
        return Suggestion(f"a {what}: {meant}", key, meant)
    if len(numbered) > 1:  # `betas: [0.9, 0.999]`
        return f"write {' and '.join(numbered)}"
    if re.fullmatch(r"[0-9]{1,9}", key) and fault.value.data[key].data is None:
        words = list(fault.value.data)
        cut = words[words.index(key) - 1]  # YAML cut a number at its comma
        whole = show(to_plain(fault.value.data[cut]))
        if len(key) == 3 and whole != "0":
            return "numbers have no thousands separators"
        return f"numbers have a decimal point: {cut}: {whole}.{key}"
    near = _did_you_mean(key, known, fault)
    return near or (f"it has {', '.join(known)}" if known else "it takes none")


def _did_you_mean(key: str, known: list[str], fault: Fault) -> str | None:
    """Return a hint that names the word which a key is meant to be, and may be given already."""
    meant = closest(key, known)
    if meant in fault.value.data:
        return f"'{meant}' is given already; remove '{key}'"
    return did_you_mean(key, known)


def report_object(key: str, fault: Fault, result: CheckResult) -> None:
    """Report the name of an initializer, an optimizer or the like: `{Adm: {...}}`."""
    if len(fault.value.data) > 1:  # the error of several names is enough
        return
    kind = fault.owner
    message = f"{name_subject(fault.path)} must be {fault.words}, got '{key}'"
    hint = KINDS[kind].suggest(key) or f"one of {', '.join(sorted(TABLES[kind]))}"
    result.error("unknown-object", message, fault.value.key_span(key), hint, fault.notes)


def report_in_defaults(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key of `defaults` that is not a layer."""
    span = fault.value.key_span(key)
    text = "\n".join(span.source.lines)
    owners = [name for name in LAYERS if key in LAYERS[name].arguments]
    owner = next((name for name in owners if re.search(rf"\b{name}\b", text)), None)
    if owner and isinstance(fault.value.data[key].data, str | int | float | bool):
        written = show(to_plain(fault.value.data[key])).replace("'", "")
        message = f"`defaults` are for layers, and '{key}' is an argument"
        hint = f"write it under its layer: defaults: {{{owner}: {{{key}: {written}}}}}"
        result.error("unknown-layer", message, span, hint, fault.notes)
    elif key in result.known_blocks():
        message = f"`defaults` are for layers, and '{key}' is a block"
        hint = "give its params default values"
        result.error("unknown-layer", message, span, hint, fault.notes)
    else:
        report_layer(key, span, fault.notes, result)


def report_block_name(key: str, fault: Fault, result: CheckResult) -> None:
    """Report the name of a block that is not in snake_case."""
    message = f"the block name '{key}' is not possible"
    hint = "block names are in snake_case, so that none looks like a layer"
    possible = re.sub(r"\W+", "_", snake_case(key)).strip("_")
    if re.match(BLOCK_NAME, possible):
        hint = f"write `{possible}`: {hint}"
    if key in (*BESIDE, *WORDS, *RESERVED):
        message = f"a block cannot be called '{key}', which is a word of the language"
        hint = f"choose another name, such as {key}_block"
    result.error("name", message, fault.value.key_span(key), hint, fault.notes)


def report_contract(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key of `require` that is not a contract."""
    message, known = f"`require` has no contract '{key}'", fault.known_keys
    near = foreign.CONTRACTS.get(key.replace("_", "").casefold()) or did_you_mean(key, known)
    per_batch = [f"{name}@BATCH_SIZE" for name, each in CONTRACTS.items() if each.per_batch]
    hint = near or f"contracts: {', '.join([*known, *per_batch])}; of params a formula, =width >= 8"
    result.error("unknown-word", message, fault.value.key_span(key), hint, fault.notes)


OTHER_VERBS = {  # what other tools, or a first guess, call the words of an edit
    "delete": "remove",
    "drop": "remove",
    "add": "insert_after",
    "append": "insert_after",
    "after": "insert_after",
    "before": "insert_before",
    "prepend": "insert_before",
    "change": "set",
    "update": "set",
    "with": "replace",
    "by": "replace",
    "name": "at",
    "where": "at",
    "layer": "of",
    "type": "of",
    "trainable": "freeze",
}


def report_in_edit(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key that an edit cannot have."""
    near = OTHER_VERBS.get(key.casefold())
    hint = f"did you mean '{near}'?" if near else did_you_mean(key, fault.known_keys)
    if not hint and key[:1].isupper():
        hint = f"a layer stands under `of`, or under a verb: of: {key}"
    span = fault.value.key_span(key)
    message = f"an edit has no word '{key}'"
    result.error("unknown-word", message, span, hint or _known_words(fault), fault.notes)


# --- keys of a step ------------------------------------------------------------------------------


def report_in_step(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key of a step that is neither a layer nor a word of the language."""
    span, word = fault.value.key_span(key), did_you_mean(key, (*MODIFIERS, *WORDS))
    if fault.is_of:
        report_of(key, span, fault.notes, result)
    elif key[:1].isupper() or not word:
        report_layer(key, span, fault.notes, result)
    else:
        result.error("unknown-word", f"a step has no word '{key}'", span, word, fault.notes)


def report_in_branch(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key that a branch cannot have."""
    message = f"a branch has no `{key}`"
    hint = f"a branch is {fault.words}"
    if key == "name":
        hint = f"the name of a branch is its key, '{fault.path[-1]}'"
    elif key == "repeat":
        hint = "put it on a step inside the branch; `for` makes a branch for each iteration"
    elif key not in MODIFIERS:
        message = f"a branch is {fault.words}, not a single step"
        hint = f"make it a list: [{key}: ...], or `- {key}: ...` on a line of its own"
    result.error("branch", message, fault.value.key_span(key), hint, fault.notes)


def report_in_merge(key: str, fault: Fault, result: CheckResult) -> None:
    """Report a key that `merge` cannot have."""
    span = fault.value.key_span(key)
    if key not in MODIFIERS and key not in WORDS:
        report_layer(key, span, fault.notes, result)
        return
    message, hint = f"`merge` has no `{key}`", "write it beside `branches`, for the whole step"
    if key in WORDS:
        message, hint = f"`merge` is a layer or a block, not `{key}`", "make them a block"
    elif key == "from":
        hint = "it takes the values of the branches, in their order"
    result.error("merge", message, span, hint, fault.notes)


# --- names of layers -----------------------------------------------------------------------------


def report_of(word: str, span: Span, notes: Notes, result: CheckResult) -> None:
    """Report the name under `of` that no layer has."""
    known = [*LAYERS, *result.known_blocks()]
    rank = find_rank(result.root)
    meant = suggest_kind(word, [*known, *foreign.BLOCKS], rank)
    hint = one_of([meant]) if meant else did_you_mean(word, known)
    hint = (
        hint
        or "`of` names a layer of the network, or a block in small letters: see `archspec show`"
    )
    result.error("unknown-layer", f"no layer is called {show(word)}", span, hint, notes)


def report_layer(word: str, span: Span, notes: Notes, result: CheckResult) -> None:
    """Report the name of a layer or block that does not exist."""
    blocks = result.known_blocks()
    if word in blocks:  # its name was reported where it is defined
        return
    code, message = "unknown-layer", f"no layer is called {show(word)}"
    called = re.fullmatch(r"([A-Za-z]\w*)\s*\(([^=,()]*)\)", word)  # `Flatten()`, `Dense(3)`
    noted = re.match(r"([A-Za-z]\w*)\s*(//|--|;)", word)  # `Flatten // a comment`
    glued = re.match(r"([A-Za-z]\w*)(:|\s*[ ({])(.*)", word, re.DOTALL)  # `Dense:3`, `Dense(3)`
    own_name = word.removesuffix("()").rpartition(".")[2]  # of `tf.keras.layers.Conv2D`
    if own_name in LAYERS and re.fullmatch(r"(\w+\.)+\w+(\(\))?", word):
        hint: str | None = Suggestion(f"write {own_name}", word, own_name)
    elif own := did_you_mean(word, blocks, declared=True):
        hint = own
    elif loop := re.match(r"for\s+(\w+)\s+in\s+([^:]+)", word):
        message = f"{show(word)} is no layer"
        hint = f"write `for: {{{loop[1]}: ={loop[2].strip()}}}` beside the layer"
    elif refused := explain_lacking(word, find_rank(result.root)):
        code, message, hint = refused.code, refused.message, refused.hint
    elif called and called[1] in (*LAYERS, *blocks):
        message = f"{show(word)} is no layer"
        meant = f"{called[1]}{f': {called[2].strip()}' if called[2].strip() else ''}"
        hint = Suggestion(f"write `- {meant}`", word, meant)
    elif noted and noted[1] in (*LAYERS, *blocks):
        message = f"{show(word)} is no layer"
        hint = f"write `- {noted[1]}`; a comment begins with a space and '#'"
    elif glued and glued[1] in (*LAYERS, *blocks):
        message = f"{show(word)} is no layer"
        what = "a space is missing after the colon" if glued[2] == ":" else "a colon is missing"
        hint = f"{what}: write `- {glued[1]}: ...`"
        if glued[2] == ":":
            hint = Suggestion(hint, word, f"{glued[1]}: {glued[3].lstrip()}")
    else:
        hint = suggest_nearest(word, [*LAYERS, *WORDS, *blocks])
    result.error(code, message, span, hint, notes)
