"""Write a network as one page of HTML, which needs no server, no framework and no request.

    Graph --list_parts--> parts --lay_out--> layouts --write_page--> FILE.html

parts: boxes and groups as pictures have them, with their texts. layouts: each group laid out once,
its groups closed. details: what is known of each layer, and the YAML around it. html: the file.
drawing: the pages of `archspec draw`. web/ has what runs in the page, with a README of its own.
"""
