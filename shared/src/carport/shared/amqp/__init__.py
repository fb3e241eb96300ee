"""RabbitMQ as a durable pipe between two tables: the producer's outbox and the consumer's inbox.

``topology`` is what is declared, ``publisher`` the relay's side (pika, pipelined confirms),
``consumer`` the other (kombu). Nothing outside the worker role imports this package.
"""
