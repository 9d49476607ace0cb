"""Dynamic energy from one technology node and supply to another, as published.

A. Stillmaker and B. Baas, "Scaling equations for the accurate prediction of CMOS device performance from 180 nm to
7 nm", Integration 58 (2017): the energy of a node goes with its supply V as a V^2 + b V + c. The coefficients are those
that Accelergy's library has of it. Everything is exact: the factor is a Fraction, and only a final energy is rounded.
"""

from __future__ import annotations

from fractions import Fraction

__all__ = ["NODES_NM", "SUPPLY_MV", "energy_factor"]

_COEFFICIENTS = {
    65: ("3.755", "-4.398", "1.975"),
    45: ("1.103", "-0.362", "0.2767"),
    32: ("0.9559", "-0.7823", "0.471"),
}

NODES_NM = tuple(_COEFFICIENTS)
"""The nodes that can be scaled from and to."""

SUPPLY_MV = (600, 1300)
"""Supplies from and to which is scaled: the polynomials are none below (65 nm: least at 0.59 V)."""


def energy_factor(from_nm: int, from_mv: int, to_nm: int, to_mv: int) -> Fraction:
    """What an energy at the first node and supply is multiplied by at the second.

    Raises ValueError for a node or a supply that the fit does not cover.
    """
    return _relative(to_nm, to_mv) / _relative(from_nm, from_mv)


def _relative(node_nm: int, supply_mv: int) -> Fraction:
    if node_nm not in _COEFFICIENTS:
        known = ", ".join(f"{node} nm" for node in NODES_NM)
        raise ValueError(f"{node_nm} nm: no coefficients; there are {known}")
    low, high = SUPPLY_MV
    if not low <= supply_mv <= high:
        raise ValueError(f"a supply of {supply_mv} mV is outside of the {low} to {high} mV that energies scale over")
    a, b, c = (Fraction(text) for text in _COEFFICIENTS[node_nm])
    supply = Fraction(supply_mv, 1000)
    return a * supply**2 + b * supply + c
