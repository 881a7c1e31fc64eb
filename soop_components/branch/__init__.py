"""What a branch would do with domains: which ones it touches, what an update of each would do, one document of all.

``git_base`` reads the base out of git, ``touched`` decides, ``plans`` asks, ``document`` puts it into bounded Markdown.
"""
