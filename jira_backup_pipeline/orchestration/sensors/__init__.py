"""What happens by itself between the schedules.

Map of the room: `discovery` turns new projects into partitions; `health` watches age and completeness, asks for what is
overdue, and keeps the roll-up checks true; `alerts` tells when a run fails.
"""
