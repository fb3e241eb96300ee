"""An e-mail as the standard writes it. Composing is where an address that smuggles a header is
refused: the library does not let a line break into one, and we do not take it out silently."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from carport.notifications.channels import Mail


def compose(mail: Mail) -> EmailMessage:
    """Text with an HTML alternative. Raises ValueError when a header cannot hold its value."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Message-ID"] = f"<{mail.id}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
