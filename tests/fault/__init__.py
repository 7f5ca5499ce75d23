"""What is lost when something breaks: the whole firmware at work, with faults of the wire, of the network and of the device."""
