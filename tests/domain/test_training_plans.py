"""A plan by which nothing can be trained is refused before anything is begun."""

import pytest

from plimsoll.domain.models.training import PlanRefused, TrainingPlan, can_be_trained_by


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"choose": "xgboost"}, "`choose` of the plan is 'xgboost', which it does not compare: catboost, forest"),
        ({"choose": "ensemble", "ensemble": False}, "`choose` of the plan is 'ensemble'"),
        ({"families": ()}, "`families` of the plan names none; there are catboost, forest, boosting"),
        ({"families": ("catboost", "xgboost")}, "`families` of the plan names 'xgboost'; there are catboost"),
        ({"folds": 1}, "`folds` of the plan is 1: from 2 to 20 will do."),
        ({"held_out": 2.0}, "`held_out` of the plan is 2: from 0.05 to 0.9 will do."),
        ({"repeats": 0}, "`repeats` of the plan is 0: from 1 to 100 will do."),
    ],
)
def test_what_cannot_be_done_is_named_with_its_value_and_what_will_do(changed, told):
    with pytest.raises(PlanRefused) as refused:
        can_be_trained_by(TrainingPlan(**changed))
    assert refused.value.message.startswith(told)


def test_the_usual_plan_and_a_quick_one_will_do():
    assert can_be_trained_by(TrainingPlan()) == TrainingPlan()
    can_be_trained_by(TrainingPlan(families=("catboost", "logistic"), choose="ensemble", trials=0, repeats=1, folds=3))


def test_a_plan_on_record_is_read_whatever_it_asked_for():
    assert TrainingPlan.model_validate({"families": [], "held_out": 2}).held_out == 2
