"""Plans that cannot be carried out are refused when they are made."""

import pytest

from roadworthy.studies.plan import Arm, Plan


def test_arms_must_be_unique_and_known():
    with pytest.raises(ValueError, match="unique arms"):
        Plan(base={}, arms=(Arm(name="one"), Arm(name="one")))
    with pytest.raises(ValueError, match="unique arms"):
        Plan(base={}, arms=(Arm(name="one"),), pairs=(("one", "two"),))


def test_an_arm_cannot_go_on_from_one_with_fewer_seeds():
    few, many = Arm(name="few", seeds=2), Arm(name="many")
    Plan(base={}, arms=(many, Arm(name="on", seeds=2, after="many")))
    Plan(base={}, arms=(few, Arm(name="on", seeds=2, after="few")))
    with pytest.raises(ValueError, match="which these lack: on"):
        Plan(base={}, arms=(few, Arm(name="on", after="few")))
    with pytest.raises(ValueError, match="which these lack: on"):
        Plan(base={}, arms=(few, Arm(name="on", seeds=3, after="few")))


def test_an_arm_that_does_not_train_needs_a_network():
    with pytest.raises(ValueError, match="needs one that it comes after: idle"):
        Plan(base={}, arms=(Arm(name="idle", trains=False),))


def test_an_arm_can_only_carry_on_what_does_not_depend_on_the_budget():
    one, longer = Arm(name="one"), Arm(name="longer", after="one", extends=True)
    Plan(base={"schedule.name": "constant"}, arms=(one, longer))
    with pytest.raises(ValueError, match=r"longer extends a training whose schedule \(one-cycle\) fits"):
        Plan(base={"schedule.name": "one-cycle"}, arms=(one, longer))
    with pytest.raises(ValueError, match="needs one that it comes after: longer"):
        Plan(base={"schedule.name": "constant"}, arms=(Arm(name="longer", extends=True),))
