"""The jobs people and schedules launch.

Map of the room: `backup` (one project, the site, the roll-up checks, the record of heads), `verify` (is what is stored
still what was written), `restore` (plan, apply, prove). The verbs themselves are in `engine`.
"""
