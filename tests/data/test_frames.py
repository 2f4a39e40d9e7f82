from roadworthy.data.frames import Annotation, Frame


def test_what_is_to_be_ignored_is_not_wanted():
    sign, crowd = Annotation(box=(0, 0, 9, 9), label="stop"), Annotation(box=(9, 9, 20, 20), ignore=True)
    assert Frame(path="a.png", annotations=(sign, crowd)).wanted == (sign,)
    assert Frame(path="a.png").wanted == ()
