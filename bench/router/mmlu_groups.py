#!/usr/bin/env python3
"""mmlu_groups.py IN OUT: the MMLU rows with their group of subjects as the source.

With it `strata route eval --rows OUT --pair STRONG,WEAK --hold-out source` learns from three groups and tests on the fourth.
The groups are those of MMLU's own evaluation (Hendrycks et al. 2021, categories.py).
"""
import gzip
import json
import sys

GROUPS = {
    "sciences": """astronomy college_biology college_chemistry college_computer_science college_mathematics college_physics
        computer_security conceptual_physics electrical_engineering elementary_mathematics abstract_algebra high_school_biology
        high_school_chemistry high_school_computer_science high_school_mathematics high_school_physics high_school_statistics
        machine_learning""",
    "humanities": """formal_logic high_school_european_history high_school_us_history high_school_world_history
        international_law jurisprudence logical_fallacies moral_disputes moral_scenarios philosophy prehistory professional_law
        world_religions""",
    "social sciences": """econometrics high_school_geography high_school_government_and_politics high_school_macroeconomics
        high_school_microeconomics high_school_psychology human_sexuality professional_psychology public_relations
        security_studies sociology us_foreign_policy""",
    "other": """anatomy business_ethics clinical_knowledge college_medicine global_facts human_aging management marketing
        medical_genetics miscellaneous nutrition professional_accounting professional_medicine virology""",
}
GROUP_OF = {subject: group for group, subjects in GROUPS.items() for subject in subjects.split()}


def main(source, target):
    with gzip.open(source, "rt", encoding="utf-8") as rows, gzip.open(target, "wt", encoding="utf-8") as out:
        for line in rows:
            row = json.loads(line)
            row["source"] = GROUP_OF[row["domain"]]
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
