"""The one program that needs root: ``sudo -n /usr/bin/python3 -I -B <this folder> VERB``; standard library only."""
