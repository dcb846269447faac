"""Made data: people, projects and issues, the same for the same seed.

``plan`` decides the light facts of every issue at start; ``bodies`` makes the rest when it is first asked for.
"""
