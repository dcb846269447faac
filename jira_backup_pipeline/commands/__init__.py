"""The verbs of `jira-backup`, as click commands: they parse, call the engine through the workplace, and present.

Map of the room: `session` is what every verb is handed; `init`, `credentials`, `keys` and `doctor` set things up; `backup`,
`snapshots` and `verify` make and look after snapshots; `restore` and `sql` use them; `demo` tells the whole story.
"""
