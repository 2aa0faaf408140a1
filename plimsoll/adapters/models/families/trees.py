"""Sums of binary trees as arrays: asked many trees at once, and explained exactly.

A leaf is reached when every split on its path agrees. Put features into a coalition (the
applicant's values) and the rest from a member of the reference group, and whether the leaf is
reached depends only on which of its features the applicant satisfies and which the member
does. The Shapley value of such a game has a closed form (Independent TreeSHAP, Lundberg et
al. 2020), summed here over leaves. Members of the reference group that satisfy the same
features of a leaf are counted together.
"""

from collections.abc import Sequence
from math import factorial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.families import Floats
from plimsoll.adapters.models.families.completion import Completion
from plimsoll.domain.models.features import Matrix

LARGEST_PIECE = 4_000_000  # nodes looked at at once
Ints = npt.NDArray[np.int64]


class Tree(NamedTuple):
    """One tree; children of a leaf are -1."""

    feature: Ints  # column asked
    threshold: Floats  # goes left when the value is not above it
    absent_left: npt.NDArray[np.bool_]  # where "not known" goes
    left: Ints
    right: Ints
    value: Floats


class Trees:
    """A base and a sum of trees."""

    def __init__(self, trees: Sequence[Tree], base: float = 0.0) -> None:
        sizes = [len(tree.value) for tree in trees]
        self._roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        offsets = np.repeat(self._roots, sizes)
        itself = np.arange(sum(sizes))
        left = np.concatenate([tree.left for tree in trees])
        self._is_leaf = left < 0
        self._left = np.where(self._is_leaf, itself, left + offsets)
        self._right = np.where(self._is_leaf, itself, np.concatenate([tree.right for tree in trees]) + offsets)
        self._feature = np.where(self._is_leaf, 0, np.concatenate([tree.feature for tree in trees]))
        self._threshold = np.concatenate([tree.threshold for tree in trees])
        self._absent_left = np.concatenate([tree.absent_left for tree in trees])
        self._value = np.concatenate([tree.value for tree in trees])
        self._base = base
        self._depth = self._deepest()

    def __len__(self) -> int:
        return len(self._roots)

    def raw(self, rows: Matrix) -> Floats:
        return self.by_tree(rows, np.zeros(1, dtype=np.int64))[:, 0] + self._base

    def by_tree(self, rows: Matrix, first: Ints) -> Floats:
        """(rows, groups): the sum over each run of trees that begins at `first`, without the base."""
        piece = max(1, LARGEST_PIECE // max(len(self._roots), 1))
        return np.concatenate(
            [
                np.add.reduceat(self._value[self._leaves(rows[at : at + piece])], first, axis=1)
                for at in range(0, max(len(rows), 1), piece)
            ]
        )

    def _leaves(self, rows: Matrix) -> Ints:
        wide = rows.astype(np.float64)
        at = np.broadcast_to(self._roots, (len(rows), len(self._roots)))
        row = np.arange(len(rows))[:, None]
        for _ in range(self._depth):
            value = wide[row, self._feature[at]]
            goes_left = (value <= self._threshold[at]) | (np.isnan(value) & self._absent_left[at])
            at = np.where(goes_left, self._left[at], self._right[at])
        return at

    def _deepest(self) -> int:
        depth, level = 0, self._roots
        while not self._is_leaf[level].all():
            inner = level[~self._is_leaf[level]]
            level = np.concatenate([self._left[inner], self._right[inner]])
            depth += 1
        return depth

    def paths(self) -> tuple[Ints, Ints, npt.NDArray[np.bool_], Ints]:
        """Of every leaf the splits above it: which leaf, which node, whether it goes left there; and the leaves."""
        above = np.full(len(self._value), -1, dtype=np.int64)
        inner = np.flatnonzero(~self._is_leaf)
        above[self._left[inner]], above[self._right[inner]] = inner, inner
        leaves = np.flatnonzero(self._is_leaf)
        which, nodes, lefts = [], [], []
        at, number = leaves.copy(), np.arange(len(leaves))
        while len(at):
            parent = above[at]
            inside = parent >= 0
            at, number, parent = at[inside], number[inside], parent[inside]
            which.append(number)
            nodes.append(parent)
            lefts.append(self._left[parent] == at)
            at = parent
        return np.concatenate(which), np.concatenate(nodes), np.concatenate(lefts), leaves


class TreeMembers:
    """The trees of all members as one sum, cut again where each member begins."""

    def __init__(self, trees: Trees, sizes: Sequence[int], bases: Floats, completion: Completion | None = None) -> None:
        self._trees, self._bases, self._completion = trees, bases, completion
        self._first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)

    def raw_log_odds(self, rows: Matrix) -> Floats:
        completed = self._completion.of(rows) if self._completion else rows
        return self._trees.by_tree(completed, self._first) + self._bases


class TreeAttributor:
    """Exact contributions of a sum of trees against a reference group."""

    def __init__(self, trees: Trees, owners: Ints, reference: Matrix) -> None:
        which, nodes, self._goes_left, leaves = trees.paths()
        owner = owners[trees._feature[nodes]]
        order = np.lexsort((owner, which))
        which, nodes, self._goes_left, owner = which[order], nodes[order], self._goes_left[order], owner[order]
        self._column, self._threshold = trees._feature[nodes], trees._threshold[nodes]
        self._absent_left = trees._absent_left[nodes]
        # A question is one feature of one leaf: all its splits on the path must agree.
        new = np.ones(len(which), dtype=np.bool_)
        new[1:] = (which[1:] != which[:-1]) | (owner[1:] != owner[:-1])
        self._questions = np.flatnonzero(new)
        self._leaf_of, self._owner_of = which[self._questions], owner[self._questions]
        starts = np.flatnonzero(np.append(True, self._leaf_of[1:] != self._leaf_of[:-1]))
        self._leaf_starts = starts
        counts = np.diff(np.append(starts, len(self._leaf_of)))
        self._bit = np.arange(len(self._leaf_of)) - np.repeat(starts, counts)
        if len(counts) and counts.max() > 62:
            raise ValueError("A path asks more than 62 features; limit the depth of the trees.")
        self._full = (np.int64(1) << counts) - 1
        self._values = trees._value[leaves[self._leaf_of[starts]]]
        self._features = int(owners.max()) + 1
        self._owner_by_bit = np.full((len(starts), int(counts.max(initial=1))), -1, dtype=np.int64)
        self._owner_by_bit[np.repeat(np.arange(len(starts)), counts), self._bit] = self._owner_of
        self._group(reference)
        self._weights = _shapley_weights(int(counts.max(initial=1)))

    def contributions(self, rows: Matrix) -> Floats:
        return np.stack([self._of(row) for row in rows]) if len(rows) else np.zeros((0, self._features))

    def _group(self, reference: Matrix) -> None:
        """Pairs of a leaf and what a member of the reference group satisfies of it, each with its share."""
        masks = self._masks(reference)  # (reference, leaves)
        leaf = np.broadcast_to(np.arange(masks.shape[1]), masks.shape).ravel()
        pairs, count = np.unique(np.stack([leaf, masks.ravel()]), axis=1, return_counts=True)
        self._pair_leaf, self._pair_mask = pairs
        self._pair_share = count / len(reference)

    def _masks(self, rows: Matrix) -> Ints:
        values = rows.astype(np.float64)[:, self._column]
        left = (values <= self._threshold) | (np.isnan(values) & self._absent_left)
        agrees = np.logical_and.reduceat(left == self._goes_left, self._questions, axis=1)
        return np.add.reduceat(agrees.astype(np.int64) << self._bit, self._leaf_starts, axis=1)

    def _of(self, row: Matrix) -> Floats:
        theirs, full = self._masks(row[None, :])[0][self._pair_leaf], self._full[self._pair_leaf]
        reached = (theirs | self._pair_mask) == full
        leaf, theirs = self._pair_leaf[reached], theirs[reached]
        for_, against = theirs & ~self._pair_mask[reached], self._pair_mask[reached] & ~theirs
        counts = np.bitwise_count(for_), np.bitwise_count(against)
        worth = self._values[leaf] * self._pair_share[reached]
        gains, losses = worth * self._weights[0][counts], worth * self._weights[1][counts]
        told = np.zeros(self._features + 1)  # the last place takes bits that no feature has
        for bit in range(self._owner_by_bit.shape[1]):
            owner = self._owner_by_bit[leaf, bit]
            gain = gains * ((for_ >> bit) & 1) - losses * ((against >> bit) & 1)
            told += np.bincount(np.where(owner < 0, self._features, owner), gain, minlength=self._features + 1)
        return told[:-1]


def _shapley_weights(most: int) -> tuple[Floats, Floats]:
    """[for, against] for a feature of the applicant's side, and for one of the reference's side."""
    gains, losses = np.zeros((most + 1, most + 1)), np.zeros((most + 1, most + 1))
    for ours in range(most + 1):
        for theirs in range(most + 1 - ours):
            if ours:
                gains[ours, theirs] = factorial(ours - 1) * factorial(theirs) / factorial(ours + theirs)
            if theirs:
                losses[ours, theirs] = factorial(ours) * factorial(theirs - 1) / factorial(ours + theirs)
    return gains, losses
