from bot.views.scope import render_scope


def test_scopes_are_named_as_people_read_them() -> None:
    assert [render_scope(name) for name in ("workspace", "each", "channels", "channel:C1", "user:U1")] == [
        "this workspace",
        "each person",
        "each channel",
        "<#C1>",
        "<@U1>",
    ]
