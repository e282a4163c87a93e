/* `ispflash wiring`: the drawing, the choice of the board, JSON. */
#include <jansson.h>
#include <string.h>

#include "cli_bench.h"
#include "support/test.h"

static void a_pro_micro_is_drawn_with_its_warning(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring promicro -p m32u4");
    assert_string_equal(
        b->out, "SparkFun Pro Micro                  ATmega32U4\n"
                "+----------+                        +-------+\n"
                "|      VCC +--------- VCC ----------+ VCC   |\n"
                "|      GND +--------- GND ----------+ GND   |\n"
                "| 10 (PB6) +-------- RESET -------->+ RESET |\n"
                "| 15 (PB1) +--------- SCK --------->+ PB1   |\n"
                "| 16 (PB2) +--------- MOSI -------->+ PB2   |\n"
                "| 14 (PB3) +<-------- MISO ---------+ PB3   |\n"
                "+----------+                        +-------+\n"
                "\n"
                "! Pin 10 of the Pro Micro goes to the chip's RESET, not the Pro Micro's pin\n"
                "  RST: that one restarts the Pro Micro.\n"
                "! VCC is 5 V or 3.3 V, as the Pro Micro is: the target has to bear it.\n"
                "- Like goes to like, MISO to MISO; nothing else may drive these pins.\n");
}

static void boxes_are_drawn_where_the_locale_has_them(void **state)
{
    struct cli_bench *b = *state;
    b->utf8 = true;
    cli_expect(b, 0, "wiring teensy2 -p usb1286");
    cli_assert_out(b, "\u2502  B0 \u251c\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500 RESET ");
    cli_assert_out(b, "\u2514");
    cli_assert_out(b, "Pin B0 of the Teensy goes to the chip's RESET");
    b->utf8 = false;
    cli_expect(b, 0, "wiring teensy2 -p usb1286");
    for (const char *c = b->out; *c != '\0'; c++)
        assert_true((unsigned char)*c < 0x80);
}

static void a_board_with_headers_has_them_drawn(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring -c usbasp -p m328p");
    cli_assert_out(b, "| pin 9 (10-pin), pin 1 (6-pin) +<-------- MISO ---------+ PB4         |\n");
    cli_assert_out(b, "+ PC6 (RESET) |\n");
    cli_assert_out(b, "10-pin ISP header, from above; pin 1 is marked:\n"
                      "    MOSI  1 o o 2  VCC\n"
                      "       -  3 o o 4  GND\n"
                      "   RESET  5 o o 6  GND\n"
                      "     SCK  7 o o 8  GND\n"
                      "    MISO  9 o o 10 GND\n");
    cli_assert_out(b, "    MISO  1 o o 2  VCC\n     SCK  3 o o 4  MOSI\n   RESET  5 o o 6  GND\n");
}

static void chips_with_pdi_and_pdo_are_marked(void **state)
{
    static const char *const lines[] = {"wiring uno -p m128", "wiring uno -p m2561",
                                        "wiring uno -p c128", "wiring uno -p m128rfa1"};
    struct cli_bench *b = *state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cli_expect(b, 0, lines[i]);
        cli_assert_out(b, "MOSI -------->+ PE0 (PDI) |\n");
        cli_assert_out(b, "MISO ---------+ PE1 (PDO) |\n");
        cli_assert_out(b, "! This chip is programmed through PDI and PDO");
    }
    cli_expect(b, 0, "wiring uno -p m2560");
    assert_null(strstr(b->out, "PDI"));
}

static void what_is_not_known_is_said(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring buspirate");
    cli_assert_out(b, "+ MISO  |\n");
    cli_assert_out(b, "-p PART names the pins of the chip");
    cli_assert_out(b, "! The 5-pin ICSP header is for the Bus Pirate's own PIC");
    cli_expect(b, 0, "wiring ft232h -p t85");
    cli_assert_out(b, "| not connected |          VCC           | VCC         |\n");
    cli_assert_out(b, "The chip has a supply of its own");
    cli_expect(b, 0, "wiring uno -p 89s52");
    cli_assert_out(b, "RESET of this chip is active high");
    cli_expect(b, 0, "wiring -p m328p");
    cli_assert_out(b, "programmer with an ISP header ");
}

static void a_programmer_leads_to_its_board(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring -c usbtiny");
    cli_assert_out(b, "USBtinyISP  ");
    cli_expect(b, 0, "wiring -c um232h");
    cli_assert_out(b, "AD3 +--");
    cli_expect(b, 2, "wiring -c avrisp");
    cli_assert_err(b, "ispflash wiring promicro   SparkFun Pro Micro");
    cli_expect(b, 2, "wiring uno -c usbasp");
    cli_assert_err(b, "the Arduino Uno is no usbasp");
    cli_expect(b, 0, "wiring uno -c arduino-as-isp -p m328p");
    cli_expect(b, 17, "wiring -c nibobee");
    cli_assert_err(b, "no wiring is known for it");
    cli_expect(b, 17, "wiring -c avrispmkII");
}

static void bad_requests_are_named(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 2, "wiring promcro");
    cli_assert_err(b, "did you mean \"promicro\"");
    cli_expect(b, 2, "wiring uno nano");
    cli_expect(b, 2, "wiring uno -p m329x");
    cli_expect(b, 2, "wiring uno -U x.hex");
}

static void the_boards_are_listed(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring");
    cli_assert_out(b, "promicro         SparkFun Pro Micro: -c avrisp, stk500v1, arduino_as_isp\n");
    cli_expect(b, 0, "wiring --json");
    cli_assert_out(b, "\"event\":\"board\",\"id\":\"usbasp\",\"name\":\"USBasp\"");
}

static void programs_get_the_wires(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring usbasp -p m64 --json");
    json_t *o = json_loads(b->out, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "part")), "ATmega64");
    assert_true(json_is_true(json_object_get(o, "pdi")));
    const json_t *wires = json_object_get(o, "wires");
    assert_int_equal(json_array_size(wires), 6);
    const json_t *miso = json_array_get(wires, 5);
    assert_string_equal(json_string_value(json_object_get(miso, "wire")), "MISO");
    assert_string_equal(json_string_value(json_object_get(miso, "chip_pin")), "PE1 (PDO)");
    assert_true(json_is_null(json_object_get(miso, "board_pin")));
    const json_t *pins = json_object_get(miso, "header_pins");
    assert_string_equal(json_string_value(json_object_get(json_array_get(pins, 0), "header")),
                        "isp10");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(pins, 0), "pin")), 9);
    assert_true(json_array_size(json_object_get(o, "warnings")) > 0);
    json_decref(o);
}

static void an_stm32_has_the_four_wires_of_swd(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "wiring -p stm32f103c8");
    cli_assert_out(b, "STM32F103x8");
    cli_assert_out(b, "DIO (PA13)");
    cli_assert_out(b, "CLK (PA14)");
    cli_assert_out(b, "3.3 (VDD)");
    assert_null(strstr(b->out, "MISO"));
    cli_expect(b, 0, "wiring stlink --json");
    cli_assert_out(b, "\"wire\":\"SWDIO\",\"board_pin\":\"SWDIO\"");
    assert_null(strstr(b->out, "MISO"));
    cli_expect(b, 17, "wiring usbasp -p stm32f103c8");
    cli_assert_err(b, "ispflash wiring stlink -p stm32f103c8");
    cli_expect(b, 17, "wiring stlink -p m328p");
    cli_assert_err(b, "the ST-Link V2 cannot reach an ATmega328P");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(a_pro_micro_is_drawn_with_its_warning),
        CLI_TEST(an_stm32_has_the_four_wires_of_swd),
        CLI_TEST(boxes_are_drawn_where_the_locale_has_them),
        CLI_TEST(a_board_with_headers_has_them_drawn),
        CLI_TEST(chips_with_pdi_and_pdo_are_marked),
        CLI_TEST(what_is_not_known_is_said),
        CLI_TEST(a_programmer_leads_to_its_board),
        CLI_TEST(bad_requests_are_named),
        CLI_TEST(the_boards_are_listed),
        CLI_TEST(programs_get_the_wires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
