"""The settings of a dongle on this computer: checked by the firmware's own table, read from files, QR codes and answers, kept and given back."""
