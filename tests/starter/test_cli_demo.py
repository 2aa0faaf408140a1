"""What the demo says while one waits."""

from starter.cli import demo


def test_where_nothing_can_turn_the_wait_is_said_before_it_begins(monkeypatch, capsys):
    model = {"name": "m", "version": "1", "metrics": {"auc": 0.8, "auc_interval": (0.7, 0.9)}, "data": {"rows": 700}}

    def trained(product, settings):
        assert capsys.readouterr().err == "training a model …\n"
        return model, True

    monkeypatch.setattr(demo, "ensure_trained", trained)
    assert demo.train_first("consumer-credit", "training a model …") == "1"
