"""Which fields each block, element and object of Block Kit has; Slack refuses others.

From the reference pages under https://docs.slack.dev/reference/block-kit, where "additionalProperties" is false in
Slack's own schema. The fields of kinds that are not listed here are not checked.
"""


def _fields(names: str) -> frozenset[str]:
    return frozenset(names.split())


BLOCKS = {
    kind: _fields(names) | {"type", "block_id"}
    for kind, names in {
        "actions": "elements",
        "context": "elements",
        "context_actions": "elements",
        "data_table": "rows caption page_size row_header_column_index",
        "data_visualization": "title chart",
        "divider": "",
        "header": "text",
        "image": "image_url alt_text title slack_file",
        "input": "label element hint optional dispatch_action",
        "markdown": "text",
        "rich_text": "elements",
        "section": "text fields accessory expand",
        "table": "rows column_settings",
    }.items()
}

ELEMENTS = {
    kind: _fields(names) | {"type"}
    for kind, names in {
        "button": (
            "text action_id url value style confirm accessibility_label agent_prompt agent_prompt_display "
            "visible_to_user_ids"
        ),
        "checkboxes": "action_id options initial_options confirm focus_on_load",
        "datepicker": "action_id initial_date confirm focus_on_load placeholder",
        "feedback_buttons": "action_id positive_button negative_button",
        "icon_button": "icon text action_id value confirm accessibility_label visible_to_user_ids",
        "image": "image_url alt_text slack_file",
        "mrkdwn": "text verbatim",
        "multi_static_select": (
            "action_id options option_groups initial_options confirm max_selected_items focus_on_load placeholder"
        ),
        "overflow": "action_id options confirm",
        "plain_text": "text emoji",
        "plain_text_input": (
            "action_id initial_value multiline min_length max_length dispatch_action_config focus_on_load placeholder"
        ),
        "radio_buttons": "action_id options initial_option confirm focus_on_load",
        "static_select": "action_id options option_groups initial_option confirm focus_on_load placeholder",
        "users_select": "action_id initial_user confirm focus_on_load placeholder",
    }.items()
}

CHARTS = {
    "pie": _fields("type segments"),
    "area": _fields("type series axis_config"),
    "bar": _fields("type series axis_config"),
    "line": _fields("type series axis_config"),
}
POINT = _fields("label value")
SERIES = _fields("name data")
AXIS = _fields("categories x_label y_label")
OPTION = _fields("text value description url")
FEEDBACK_BUTTON = _fields("text value accessibility_label")
CONFIRM = _fields("title text confirm deny style")
VIEWS = {
    "modal": _fields(
        "type title blocks close submit private_metadata callback_id clear_on_close notify_on_close external_id "
        "submit_disabled"
    ),
    "home": _fields("type blocks private_metadata callback_id external_id"),
}
