"""Files in the layouts in which GLUE's tasks are distributed: a few rows of each, train or dev and test."""

from __future__ import annotations

_MNLI = (
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\t"
    "sentence1\tsentence2"
)
_PARSES = "( a )\t( b )\t(ROOT a)\t(ROOT b)"

LABELLED = {
    "mnli": (
        f"{_MNLI}\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n"
        f'0\t63735\t63735n\tslate\t{_PARSES}\tThe "new" rights are nice\tEveryone likes them\tneutral\tentailment\tneutral\t'
        "neutral\tneutral\tneutral\n"
        f"1\t91383\t91383c\tgovernment\t{_PARSES}\tHe left.\tHe stayed.\tcontradiction\tentailment\tneutral\tcontradiction\t"
        "entailment\t-\n"
        f"2\t755\t755e\ttelephone\t{_PARSES}\tuh I do not know\tI do not know.\tentailment\tentailment\tentailment\t"
        "entailment\tentailment\tentailment\n"
    ),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        '133273\t213221\t213222\tHow is the life of a student?\tWhat is "life"?\t0\n'
        "402555\t536040\t536041\tHow do I control my emotions?\tHow do you control yours?\t1\n"
        "12\tWhat is this?\n"
    ),
    "qnli": (
        "index\tquestion\tsentence\tlabel\n"
        '0\tWhat came into force?\tAs of that day, the "new" law was in force.\tentailment\n'
        "1\tWho was it?\tA bridge.\tnot_entailment\n"
    ),
    "sst-2": 'sentence\tlabel\nit \'s a "charming journey . \t1\n"unflinchingly bleak"\t0\n',
    "cola": (
        "gj04\t1\t\tThe sailors rode the breeze clear of the rocks.\n"
        "gj04\t0\t*\tThe weights made the rope stretch over the pulley.\n"
        'clc95\t1\t\t"Who" is a word.\n'
    ),
    "sts-b": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tmain-captions\tMSRvid\t2012test\t0000\tnone\tnone\tA man rides a horse.\tA man rides.\t5.000\n"
        "1\tmain-news\theadlines\t2015\t0002\tnone\tnone\tA dog.\tA cat.\t0.800\n"
    ),
    "mrpc": (
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
        '1\t702876\t702977\tHe said the "case" is closed.\tThe case is closed, he said.\n'
        "0\t2108705\t2108831\tShares rose.\tShares fell 4%.\n"
    ),
    "rte": "index\tsentence1\tsentence2\tlabel\n0\tNo weapons found.\tWeapons found.\tnot_entailment\n1\tA.\tB.\tentailment\n",
}  # fmt: skip
"""Task -> the start of its train.tsv or dev.tsv; quotes are text."""

UNLABELLED = {
    "mnli": f"{_MNLI}\n0\t31493\t31493\ttravel\t{_PARSES}\tSuch activities.\tThey were made.\n",
    "qqp": "id\tquestion1\tquestion2\n0\tWould it work?\tDoes it?\n",
    "qnli": "index\tquestion\tsentence\n0\tWhat is it?\tIt is a law.\n",
    "sst-2": 'index\tsentence\n0\tuneasy mishmash of styles and "genres" .\n',
    "cola": "index\tsentence\n0\tBill whistled past the house.\n",
    "sts-b": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\n"
        "0\tmain-captions\tMSRvid\t2012test\t0024\tnone\tnone\tA girl is styling her hair.\tA girl brushes her hair.\n"
    ),
    "mrpc": "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1089874\t1089925\tPCCW's chief.\tCurrent chief.\n",
    "rte": "index\tsentence1\tsentence2\n0\tMangla was summoned.\tShe died.\n",
}
"""Task -> the start of its test.tsv, whose labels are not published."""
