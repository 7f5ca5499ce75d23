"""What differs between the chips of the simulated ROM loader: a name in; ids, registers and what the first reads of a flashing tool find out.

Numbers are those of Espressif's technical reference manuals and of esptool's documentation.
"""

from dataclasses import dataclass

MAGIC = 0x4000_1000  # of the ROM: each chip of the first kind has another word there
CRYSTAL_HZ = 40_000_000
SFDP = 0x5044_4653  # "SFDP": how a flash chip's own description begins
_UART_BAUD = 115_200


@dataclass(frozen=True)
class Chip:
    """`identity`: what the image header calls it; `security`: bytes of GET_SECURITY_INFO, 0 where the command is not there.

    `spi`: base of the registers that the flash hangs on; `spi_user2`, `spi_word0`: offsets; `efuse_mac`: where the low word of the MAC is.
    """

    name: str
    identity: int
    magic: int
    security: int
    spi: int
    spi_user2: int
    spi_word0: int
    efuse_mac: int
    clock_divider: int
    offset: int  # in flash, of the image that starts it

    def registers(self, mac: bytes) -> dict[int, int]:
        """What reads find right after a reset; what is not in here is 0."""
        return {
            MAGIC: self.magic,
            self.efuse_mac: int.from_bytes(mac[2:], "big"),
            self.efuse_mac + 4: int.from_bytes(mac[:2], "big"),
            self.clock_divider: CRYSTAL_HZ // _UART_BAUD,
        }

    def security_info(self) -> bytes:
        """No protection of any kind is set."""
        return (bytes(12) + self.identity.to_bytes(4, "little") + bytes(4))[: self.security]


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("esp32", 0, 0x00F0_1D83, 0, 0x3FF4_2000, 0x24, 0x80, 0x3FF5_A004, 0x3FF4_0014, 0x1000),
        Chip("esp32s2", 2, 0x0000_07C6, 12, 0x3F40_2000, 0x20, 0x58, 0x3F41_A044, 0x3F40_0014, 0x1000),
        Chip("esp32c3", 5, 0, 20, 0x6000_2000, 0x20, 0x58, 0x6000_8844, 0x6000_0014, 0),
        Chip("esp32s3", 9, 0, 20, 0x6000_2000, 0x20, 0x58, 0x6000_7044, 0x6000_0014, 0),
    )
}
