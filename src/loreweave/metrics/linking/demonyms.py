"""Common English demonyms: adjectives and names of inhabitants and languages, for ELEVANT's class of errors of that name."""

from __future__ import annotations

_WORDS = """
Afghan African Albanian Algerian American Andorran Angolan Arab Arabian Arabic Argentine Argentinian Armenian Asian
Australian Austrian Azerbaijani Bahamian Bahraini Bangladeshi Barbadian Basque Bavarian Belarusian Belgian Belizean
Beninese Bhutanese Bolivian Bosnian Brazilian Breton Briton British Bulgarian Burmese Burundian Californian Cambodian
Cameroonian Canadian Catalan Chadian Chilean Chinese Colombian Congolese Cornish Corsican Croat Croatian Cuban Cypriot
Czech Dane Danish Dominican Dutch Ecuadorian Egyptian Emirati English Englishman Eritrean Estonian Ethiopian European
Fijian Filipino Finn Finnish Flemish French Frenchman Gabonese Gambian Georgian German Ghanaian Greek Greenlandic
Grenadian Guatemalan Guinean Guyanese Haitian Hawaiian Hebrew Hispanic Honduran Hungarian Icelander Icelandic Indian
Indonesian Iranian Iraqi Irish Irishman Israeli Italian Ivorian Jamaican Japanese Jordanian Kazakh Kenyan Korean Kosovar
Kurd Kurdish Kuwaiti Kyrgyz Laotian Latin Latvian Lebanese Liberian Libyan Liechtensteiner Lithuanian Luxembourger
Macedonian Malagasy Malawian Malay Malaysian Malian Maltese Manx Maori Mauritanian Mauritian Mexican Moldovan Monegasque
Mongol Mongolian Montenegrin Moroccan Mozambican Namibian Nepalese Nepali Nicaraguan Nigerian Nigerien Norman Norse
Norwegian Omani Pakistani Palestinian Panamanian Paraguayan Parisian Persian Peruvian Pole Polish Portuguese Prussian
Qatari Roman Romanian Russian Rwandan Sahrawi Salvadoran Samoan Sardinian Saudi Saxon Scandinavian Scot Scots Scottish
Scotsman Senegalese Serb Serbian Sicilian Singaporean Slav Slavic Slovak Slovakian Slovene Slovenian Somali Soviet
Spaniard Spanish Sudanese Surinamese Swazi Swede Swedish Swiss Syrian Taiwanese Tajik Tamil Tanzanian Texan Thai Tibetan
Togolese Trinidadian Tunisian Turk Turkish Turkmen Ugandan Ukrainian Uruguayan Uzbek Venetian Venezuelan Vietnamese
Viking Welsh Welshman Yemeni Yugoslav Zambian Zimbabwean
"""
DEMONYMS = frozenset(_WORDS.split())
"""In the singular; see `is_demonym`."""


def is_demonym(text: str) -> bool:
    """Whether a mention is a demonym, also in the plural.

    Example:
        >>> is_demonym("Spanish"), is_demonym("Americans"), is_demonym("Spain")
        (True, True, False)
    """
    return text in DEMONYMS or text.removesuffix("s") in DEMONYMS
