package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Platforms;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code logic/text}: one text is the other to who looks for it, whatever the locale. */
class FoldTest {

  private static final Path FOLD = Path.of("db/logic/text/R__06_fold.sql");

  /** As it is written, and as it is compared. */
  private static final String[][] FOLDED = {
    {"Please REVIEW report.PDF", "please review report.pdf"},
    {"Café ZÜRICH Ñandú Šárka", "cafe zurich nandu sarka"},
    {"cafe\u0301", "cafe"},
    {"Straße STRASSE GROẞ", "strasse strasse gross"},
    {"İstanbul Işık ISTANBUL", "istanbul isik istanbul"},
    {"Ołeg Łazienbny Đorđe Søren Ħal", "oleg lazienbny dorde soren hal"},
    {"Nguyễn Thị Hòa Ơ Ư", "nguyen thi hoa o u"},
    {"Œuvre æther ﬁn ﬂow ĳs", "oeuvre aether fin flow ijs"},
    {"Þór Ðóra Ŋ ə", "thor dora n e"},
    {"Ёлка ёлка ЙОД Київ", "елка елка иод киів"},
    {"ΚΑΛΗΜΕΡΑ Καλημέρα ΟΔΟΣ οδός Ϊ", "καλημερα καλημερα οδοσ οδοσ ι"},
    {"مَرْحَبًا أهلاً إلى آخر مدرسة ٱلله", "مرحبا اهلا الي اخر مدرسه الله"},
    {"کتاب مـــرحبا ﻻ ی", "كتاب مرحبا لا ي"},
    {"שָׁלוֹם םולש", "שלומ מולש"},
    {"ＦＵＬＬ　ｗｉｄｔｈ １２３", "full width 123"},
    {"ｶﾞｷﾞｸﾞ ハンカク パ", "がぎぐ はんかく ぱ"},
    {"한국어 \u1112\u1161\u11ab", "한국어 한"},
    {"กินข้าว", "กินข้าว"},
    {"ज़रूर जरूर", "जरूर जरूर"},
    {"“quoted” ‘so’ «là» O’Brien O`Brien", "\"quoted\" 'so' \"la\" o'brien o`brien"},
    {"a–b—c\u2011d", "a-b-c-d"},
    {"zero\u200bwidth so\u00adft \u202eleft", "zerowidth soft left"},
    {"٤٢ ۴۲ ४२ ๔๒", "42 42 42 42"},
    {"ԵՐԵՎԱՆ Ბათუმი ᏣᎳᎩ 𞤀𞤁", "երեվան ბათუმი ꮳꮃꭹ 𞤢𞤣"},
    {"❤️ 👍🏽 x²", "❤ 👍 x2"},
  };

  @ParameterizedTest
  @ValueSource(
      strings = {
        "locale_provider libc locale 'C'",
        "locale_provider icu icu_locale 'und' locale 'C'",
        "locale_provider icu icu_locale 'tr' locale 'C'",
      })
  void aTextIsFoldedInEveryLocaleAlike(String locale) throws IOException, SQLException {
    Login superuser = TestDatabase.server().superuser();
    Platforms.run(superuser, "create database folded template template0 " + locale);
    try (Connection connection = TestDatabase.server().at(superuser, "folded").connect()) {
      try (var statement = connection.createStatement()) {
        statement.execute("create schema chat");
        statement.execute(Files.readString(FOLD).replaceAll("(?s)\nrevoke all.*", ""));
      }
      for (String[] pair : FOLDED) {
        assertEquals(pair[1], fold(connection, pair[0]), pair[0]);
        assertEquals(pair[1], fold(connection, pair[1]), "folded again");
      }
    } finally {
      Platforms.run(superuser, "drop database folded with (force)");
    }
  }

  private static String fold(Connection connection, String text) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("select chat.fold(?)")) {
      statement.setString(1, text);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }
}
