"""The words that the console says to who types `help`: nothing in, a text out."""

HELP = """meterbridge's console. Lines of up to 128 characters:
  hello                       who this is
  status                      what it does at this moment
  files                       what is kept on flash
  room                        bytes of the flash, and how many are free
  settings                    the settings; of secrets whether they are set
  save                        put on flash now what is in RAM alone
  send PATH [OFFSET [COUNT]]  a file of those, in base64
  ram                         readings that are in RAM, in base64
  erase WHAT                  forget readings, profiles, logs or all: there is no way back
  unlock PIN [again]          enter the PIN of a German meter by light; again: after one that failed
  unlock next | hold          a short or a long press in the meter's menu
  unlock cancel | status      end it; how it goes
  portal                      open the dongle's own Wi-Fi, to set it up with a phone
  factory-reset WORD          erase settings, secrets and readings; it says which WORD
  access [new]                whether there is a token for the network; new: makes another and shows it once
On a computer, 'meterbridge export' and 'meterbridge erase' do this in comfort."""
