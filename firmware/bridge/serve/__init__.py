"""What the dongle shows to who asks it: the serial console; imports nothing by itself."""
