"""The chat template of a served model: exactly the text that training and the embedded engine use.

The template that a model comes with adds a system turn, today's date, or tool instructions that no training example
had: the same words then give another level. So the served folder gets its own, made from the family's ``ChatFormat``.
"""

import json

from triage.slm.chat import ChatFormat


def chat_template(chat: ChatFormat) -> str:
    """Jinja for one user turn, and after it the start of the assistant's or nothing.

    ``apply_chat_template([user], add_generation_prompt=True)`` is the prompt; with the assistant's turn ``Level: `` and
    ``continue_final_message`` it is the prompt up to the level's digit. Any other turn is refused, not rendered.
    """
    user, assistant, end = (json.dumps(text) for text in (chat.user, chat.assistant, chat.end))
    return (
        "{%- for message in messages -%}"
        "{%- if loop.index0 == 0 and message['role'] == 'user' -%}"
        f"{{{{- {user} + message['content'] -}}}}"
        "{%- elif loop.index0 == 1 and message['role'] == 'assistant' -%}"
        f"{{{{- {assistant} + message['content'] + {end} -}}}}"
        "{%- else -%}"
        "{{- raise_exception('one user turn and the start of the answer: the model was trained on nothing else') -}}"
        "{%- endif -%}"
        "{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- {assistant} -}}}}{{%- endif -%}}"
    )
