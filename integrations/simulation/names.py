"""Invented names of companies, people and places. Domains end in .example, which nobody can own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clock import Ints, Words
from .tables import words

_HEADS = (
    "Alder Amber Anvil Arbor Ashen Basalt Beacon Birch Bramble Brindle Cairn Cedar Cinder Clover Cobalt "
    "Copper Coral Crag Crane Dapple Delta Drift Dune Ember Fable Falcon Fathom Fern Flint Foxglove Gannet "
    "Garnet Glen Granite Grove Hazel Heron Hollow Indigo Iron Ivory Juniper Kestrel Lantern Larch Linden "
    "Lumen Marble Marsh Meadow Merle Mica Mistral Moss Nimbus North Oaken Ochre Onyx Orchard Osprey Otter "
    "Pebble Pine Plover Quartz Quill Raven Reed Ridge River Rowan Russet Sable Saffron Sedge Sierra Slate "
    "Sorrel Spruce Stone Swift Tamar Tansy Teal Thistle Timber Topaz Umber Vale Velvet Verdant Willow "
    "Winter Wren Yarrow Zephyr"
).split()
_TAILS = (
    "bank bay bourne bridge brook burn combe cove crest dale den field firth ford gate glade harbour "
    "haven heath hurst keep ley marsh mead mere mill moor mouth ness peak point pool reach rise scar shaw "
    "shore stead strand thorpe vale wade well wick wold wood worth yard"
).split()
INDUSTRIES: dict[str, tuple[str, ...]] = {
    "software": ("Software", "Systems", "Cloud"),
    "healthcare": ("Health", "Clinics", "Care"),
    "retail": ("Retail", "Stores", "Outfitters"),
    "finance": ("Finance", "Capital", "Mutual"),
    "manufacturing": ("Works", "Industries", "Tooling"),
    "logistics": ("Logistics", "Freight", "Haulage"),
    "education": ("Learning", "Academy", "Campus"),
    "media": ("Media", "Press", "Studios"),
    "energy": ("Energy", "Power", "Grid"),
    "public sector": ("Services Trust", "Commons", "Agency"),
    "hospitality": ("Hotels", "Kitchens", "Leisure"),
    "construction": ("Builders", "Construction", "Surveyors"),
}
INDUSTRY_NAMES = words(INDUSTRIES)
_ENDINGS = words(ending for endings in INDUSTRIES.values() for ending in endings)
ENDINGS_EACH = 3

FIRST_NAMES = words(
    (
        "Abena Adil Agnes Akira Alba Alejandro Amara Anders Anja Anouk Arjun Astrid Ayesha Beatriz Benedikt "
        "Bianca Bruno Camille Carlos Cecilia Chiara Dagny Daniel Deepa Dmitri Eduardo Eilidh Elena Elif Emeka "
        "Emil Esther Farah Felix Fiona Freya Gabriel Gita Greta Hamid Hana Hassan Helene Hiro Ida Ifeoma Ines "
        "Ingrid Isaac Ivana Jamal Jana Joao Jonas Josephine Kaito Katrin Kofi Laila Lars Leila Leon Linnea "
        "Lucia Magnus Mala Marek Mariam Mateo Mei Mila Mohan Nadia Naoko Nelson Nina Noor Olga Omar Oscar "
        "Paola Pavel Petra Priya Rafael Rania Rosa Ruth Samir Sanna Selma Simone Stefan Tamsin Tariq Teresa "
        "Thandi Tomas Uma Valentin Vera Viktor Wanda Xavier Yara Yusuf Zainab Zoltan"
    ).split()
)
LAST_NAMES = words(
    (
        "Abara Adeyemi Ahlgren Almeida Amari Andrade Aoki Arslan Bakker Banerjee Barros Becker Bergstrom "
        "Bianchi Boateng Bosch Brandt Carvalho Castell Chandra Coleman Costa Dahl Danso Demir Devlin Diallo "
        "Dobrev Duarte Ekström Engel Eriksen Farouk Fischer Fontaine Fraser Fujita Galanis Ghosh Greco Haas "
        "Haddad Halloran Hansen Hartono Herrera Hoffmann Holm Ibarra Ivanov Iyer Jansen Jarvis Kamau Kaplan "
        "Karim Keller Kimura Kovacs Kowalski Larsen Laurent Lindqvist Lopez Macleod Maeda Malik Marchetti "
        "Mbeki Mendes Moreau Morita Mwangi Nakata Navarro Neumann Novak Nyberg Obi Okafor Olsen Ortega Osei "
        "Pereira Petrov Pillai Quist Rahman Ramos Reyes Ricci Rossi Sandoval Sato Schreiber Serrano Shah "
        "Silva Sorensen Soto Stein Tanaka Thorne Torres Ueda Vargas Vasquez Vogel Weber Wyatt Yamada Zeman"
    ).split()
)
_ASCII_LAST_NAMES = words(name.replace("ö", "o") for name in LAST_NAMES)


@dataclass(frozen=True)
class Place:
    """A country with what goes along with it."""

    country: str
    region: str
    time_zone: str
    language: str
    currency: str
    weight: float


PLACES = (
    Place("US", "AMER", "America/New_York", "en-US", "USD", 0.26),
    Place("US", "AMER", "America/Los_Angeles", "en-US", "USD", 0.14),
    Place("CA", "AMER", "America/Toronto", "en-CA", "USD", 0.06),
    Place("BR", "AMER", "America/Sao_Paulo", "pt-BR", "USD", 0.04),
    Place("MX", "AMER", "America/Mexico_City", "es-MX", "USD", 0.03),
    Place("GB", "EMEA", "Europe/London", "en-GB", "GBP", 0.11),
    Place("DE", "EMEA", "Europe/Berlin", "de-DE", "EUR", 0.07),
    Place("FR", "EMEA", "Europe/Paris", "fr-FR", "EUR", 0.05),
    Place("NL", "EMEA", "Europe/Amsterdam", "nl-NL", "EUR", 0.03),
    Place("ES", "EMEA", "Europe/Madrid", "es-ES", "EUR", 0.03),
    Place("SE", "EMEA", "Europe/Stockholm", "sv-SE", "USD", 0.02),
    Place("ZA", "EMEA", "Africa/Johannesburg", "en-ZA", "USD", 0.02),
    Place("IN", "APAC", "Asia/Kolkata", "en-IN", "USD", 0.05),
    Place("SG", "APAC", "Asia/Singapore", "en-SG", "USD", 0.03),
    Place("JP", "APAC", "Asia/Tokyo", "ja-JP", "USD", 0.03),
    Place("AU", "APAC", "Australia/Sydney", "en-AU", "USD", 0.03),
)


def company_names(industry: Ints, rng: np.random.Generator) -> Words:
    """One name for each company, all different, with an ending that fits its industry."""
    stems = words(head + tail for head in _HEADS for tail in _TAILS if head.lower() != tail)
    rng.shuffle(stems)
    count = len(industry)
    # Companies that share a stem take different endings; past that, a number tells them apart.
    turn = np.arange(count) // len(stems)
    endings = _ENDINGS[industry * ENDINGS_EACH + (rng.integers(0, ENDINGS_EACH, count) + turn) % ENDINGS_EACH]
    names = stems[np.arange(count) % len(stems)] + " " + endings
    return _told_apart(names)


def _told_apart(names: Words) -> Words:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return words(out)


def domains(names: Words) -> Words:
    """A web domain for each company name."""
    return words(name.lower().replace(" ", "") + ".example" for name in names)


def people(group: Ints, place_in_group: Ints) -> tuple[Words, Words]:
    """Full names and mailbox names; within a group (a company) no two are alike."""
    stride = 1_237  # shares no factor with the number of names, so that members of one group never meet
    number = (group * 7_919 + place_in_group * stride) % (len(FIRST_NAMES) * len(LAST_NAMES))
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], number // len(FIRST_NAMES)
    plain = first + "." + _ASCII_LAST_NAMES[last]
    return first + " " + LAST_NAMES[last], words(name.lower() for name in plain)
