"""Write branches, each with a variable of its own, and the step that joins them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from msgspec.structs import replace

from archspec.layers import traits_of
from archspec.source.flat import identifier
from archspec.source.flow import Flow
from archspec.source.rooms import Room
from archspec.source.scopes import branch_text
from archspec.source.statements import (
    Assign,
    Body,
    Do,
    IfElse,
    call,
    constant,
    name,
)
from archspec.source.values import Unwritable
from archspec.source.wiring import Cur, Taken, find_written, is_same, settle
from archspec.syntax import steps as spec_steps
from archspec.syntax.formulas import PLACEHOLDER
from archspec.syntax.steps import (
    Branch,
    Branches,
    LayerCall,
    Step,
)


class Branching(Flow):
    """Steps of branches, and groups."""

    def body(self, body: spec_steps.Body | None, cur: Cur, room: Room) -> Cur:
        """Write steps, and return the value of the last one."""
        raise NotImplementedError

    def apply(self, step: Step, taken: Taken, cur: Cur, room: Room) -> ast.expr:
        """Write the call of a layer or a block on what it takes, and return its value."""
        raise NotImplementedError

    def open(self, step: Step, room: Room) -> Room:
        """Return the room inside a group, which has names of its own if it has one."""
        if step.name is None:
            return room
        label = self.explicit(step, room)
        scope = next(
            each.scope for each in room.scope.names if each.step in find_written(step, room.scope)
        )
        assert scope is not None
        inside = room.inside(label, scope)
        self.paths[scope] = inside.path
        return inside

    def branches(self, step: Branches, cur: ast.expr, room: Room) -> Cur:
        inside = self.open(step, room)
        merge = step.merge
        num_active = len(self.active_flows)
        self.active_flows.append(room.flow)
        try:
            loops = any(each.loop is not None for each in step.branches)
            optional = [
                each
                for each in step.branches
                if each.condition is not None and each.otherwise is None
            ]
            if merge is None:
                for each in step.branches:
                    self.branch(each, cur, inside)
                return None
            if not loops and not optional:
                ends = [self.branch(each, cur, inside) for each in step.branches]
                return self.merge(merge, ends, inside)
            if not loops and len(optional) == 1 and len(step.branches) == 2:
                return self.shortcut(step, optional[0], cur, inside)
            return self.collect(step, cur, inside)
        finally:
            del self.active_flows[num_active:]

    def merge(self, merge: Step, ends: Sequence[ast.expr], room: Room) -> ast.expr:
        if len(ends) == 1:
            return ends[0]
        start = len(room.body)
        value = self.apply(merge, [*ends], None, room)
        return self.bind(merge, value, room, start) or value

    def branch(self, branch: Branch, cur: ast.expr, room: Room) -> ast.expr:
        """Write a branch that is there, and return its value."""
        start = len(room.body)
        plain = branch.condition is None and branch.loop is None and branch.otherwise is None
        if plain and (branch.body is None or not branch.body.steps):
            return self.bind(branch, self.single(branch.sources, cur, room), room, start) or cur
        flow = self.branch_flow(branch, room)
        self.active_flows.append(flow)
        inside = replace(self.open_branch(branch, room), flow=flow)
        end = self.conditional_branch(branch, cur, inside)
        return self.bind(branch, end, inside, start) or end

    def conditional_branch(self, branch: Branch, cur: ast.expr, room: Room) -> ast.expr:
        value: Cur
        if branch.condition is None or branch.otherwise is None:
            value = self.branch_body(branch.body, branch, cur, room)
        else:
            test = self.test(branch.condition, cur, room)
            written: list[tuple[Body, Cur]] = []
            for body in (branch.body, branch.otherwise):
                inner: Body = []
                inside = replace(room, body=inner, once=False)
                written.append((inner, self.branch_body(body, branch, cur, inside)))
            if isinstance(test, ast.Constant):
                taken, value = written[0 if test.value else 1]
                room.body.extend(taken)
            else:
                value = self.choose(test, written, cur, room)
        if value is None:
            raise Unwritable("a branch gives no value")
        return value

    def branch_body(
        self, body: spec_steps.Body | None, branch: Branch, cur: ast.expr, room: Room
    ) -> Cur:
        return self.body(body, self.single(branch.sources, cur, room), room)

    def branch_flow(self, branch: Branch, room: Room) -> str:
        """Return the variable of a branch: its name, where no branch around it has that."""
        text = PLACEHOLDER.sub("", branch_text(branch) or "").strip("_-")
        base = identifier(text) if text[:1].isalpha() else f"branch_{text}" if text else "branch"
        base = identifier(base)
        if self.wanted.uses.get(branch) == "variable":
            return self.variable(next(e for e in room.scope.names if e.step is branch), room)
        if base in self.names.taken and base not in self.branch_flows:
            base = f"{base}_branch"
        if self.wanted.uses.get(branch) is not None:
            return self.names.new(base)
        known = self.branch_flows.setdefault(base, [])
        for each in known:
            if each not in self.active_flows:
                return each
        known.append(self.names.new(base))
        return known[-1]

    def open_branch(self, branch: Branch, room: Room) -> Room:
        text = branch_text(branch)
        if text is None:
            return room
        scope = next(each.scope for each in room.scope.names if each.step is branch)
        assert scope is not None
        inside = room.inside(self.fill(text, room), scope)
        self.paths[scope] = inside.path
        return inside

    def shortcut(self, step: Branches, optional: Branch, cur: ast.expr, room: Room) -> ast.expr:
        """Write two branches of which one may be missing: then the other's value is taken."""
        assert optional.condition is not None
        assert step.merge is not None
        fixed = next(each for each in step.branches if each is not optional)
        flow = name(room.flow)
        test = self.test(optional.condition, cur, room)
        end = self.branch(fixed, cur, room)
        inner: Body = []
        inside = replace(room, body=inner, once=False)
        self.active_flows.append(room.flow)
        try:
            other = self.branch(optional, cur, inside)
            ends = [other, end] if step.branches[0] is optional else [end, other]
            value = self.merge(step.merge, ends, inside)
        except Unwritable:
            if step.merge in self.trace.live:
                raise
            return end
        if isinstance(test, ast.Constant):
            room.body.extend(inner if test.value else ())
            return value if test.value else end
        otherwise: Body = []
        if not is_same(value, flow):
            settle(inner, value, flow)
        if not is_same(end, flow):
            otherwise.append(Assign(flow, end))
        room.body.append(IfElse(test, inner, otherwise))
        return flow

    def collect(self, step: Branches, cur: ast.expr, room: Room) -> ast.expr:
        """Write branches into a list, of those that are there."""
        assert step.merge is not None
        paths = name(self.names.new("paths"))
        room.body.append(Assign(paths, ast.List([])))
        sure = 0
        for branch in step.branches:
            if branch.loop is not None:
                columns = self.read_loop(branch, cur, room)
                with self.looping(branch, columns, room) as inside:
                    self.optional(branch, cur, paths, inside)
            else:
                self.optional(branch, cur, paths, room)
                sure += branch.condition is None or branch.otherwise is not None
        flow = name(room.flow)
        merge = step.merge
        aside: Body = []
        self.apply(merge, [ast.Starred(paths)], None, replace(room, body=aside))
        made = aside[-1] if len(aside) == 1 else None
        if not isinstance(made, Assign):
            raise Unwritable("what joins branches is more than one call")
        if sure < 2 and isinstance(merge, LayerCall) and traits_of(merge.label).joins_any:
            several = ast.Compare(call(name("len"), [paths]), [ast.Gt()], [constant(1)])
            made.value = ast.IfExp(several, made.value, ast.Subscript(paths, constant(0)))
        start = len(room.body)
        room.body.append(made)
        return self.bind(merge, flow, room, start) or flow

    def optional(self, branch: Branch, cur: ast.expr, paths: ast.expr, room: Room) -> None:
        """Write a branch that may be missing, which puts its value into a list."""
        append = ast.Attribute(paths, "append")
        if branch.condition is None or branch.otherwise is not None:
            end = self.branch(branch, cur, room)
            room.body.append(Do(call(append, [end])))
            return
        test = self.test(branch.condition, cur, room)
        inner: Body = []
        end = self.branch(branch, cur, replace(room, body=inner, once=False))
        inner.append(Do(call(append, [end])))
        if not isinstance(test, ast.Constant):
            room.body.append(IfElse(test, inner, []))
        elif test.value:
            room.body.extend(inner)
