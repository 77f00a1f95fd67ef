"""Who may speak to the app: one layer around all its addresses, Gradio's included.

Another web page in the visitor's browser can send requests here, by this machine's address or by a
name of its own that leads here; so can any program and any user of this machine. The layer answers
only requests that name the app by a name of its own, that no other page sent, and that bring a pass
(a cookie, given for the token in the printed address or for the password).
"""
