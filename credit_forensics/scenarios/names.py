"""Invents names: common first names and surnames, some much more common than others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_FIRST = """
Anna Maria Lena Emma Mia Laura Julia Sara Lisa Nina Eva Ida Clara Marta Elena Sofia Paula Hanna
Katja Ines Olga Petra Rita Vera Nora Alma Frida Greta Hilde Irma Jana Karin Lotte Mona Nadia
Olivia Pia Rosa Selma Tanja Ulla Wanda Yara Zoe Amina Bianca Carla Doris Edith Fiona Gina Helga
Jan Max Paul Leon Finn Jonas Lukas Felix Tim Tom Ben Noah Elias David Peter Karl Hans Otto Emil
Anton Bruno Erik Frank Georg Heinz Igor Jakob Kai Lars Mario Nils Oskar Pascal Ralf Stefan Theo
Uwe Viktor Walter Xaver Yusuf Zoran Adam Bernd Chris Dario Enzo Fabian Gregor Hugo Ivan Joel
Kevin Liam Marco Nico Omar Pablo Quentin Robin Simon Tobias Urs Vincent Wim Ali Björn Cem Dirk
José Zoë Renée Jürgen
"""
_ROOTS = """
Berg Stein Wald Feld Bach Brunn Eich Fisch Gold Hart Hof Holz Kirch Klein Korn Lang Lind Mohn
Neu Ober Ost Rein Rosen Roth Sand Schön Silber Sommer Stern Tann Ufer Vogel Weid Weiss Wend West
Winter Wolf Zell Ziegel
"""
_ENDINGS = """
er mann mayer hofer feldt ström ner hausen ing born wein kamp bauer dorf brandt
"""
FIRST = _FIRST.split()
LAST = [root + ending for ending in _ENDINGS.split() for root in _ROOTS.split()]


def skewed(rng: np.random.Generator, pool: int, count: int) -> npt.NDArray[np.int64]:
    """``count`` picks from ``pool`` places, the k-th as likely as (k + 2) to the power of -0.8.

    Surnames and first names follow such a law closely enough for names to be shared by many.
    """
    weights = (np.arange(pool) + 2.0) ** -0.8
    cumulative = np.cumsum(weights) / weights.sum()
    picks: npt.NDArray[np.int64] = np.searchsorted(cumulative, rng.random(count)).astype(np.int64)
    return picks
