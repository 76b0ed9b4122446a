"""Serve the studio: an editor beside the live picture, for one reader on the machine itself.

    file --SpecFolder--> text --Studio--> answers --StudioServer--> web/studio.js

folder: the specs of a folder, and how one is written. answers: what is wrong, the picture, the
delta, completion, hover. server: HTTP on the loopback, and who may ask. web/ has what runs in the
browser, with a README of its own.
"""
