package com.gptdesk.chat.service.scim;

import java.util.Locale;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Whom a list is of. Identity providers look for one person, so there is one comparison: {@code
 * userName}, {@code externalId} or {@code id}, {@code eq} and a text.
 *
 * @param id null for any
 * @param userName null for any
 * @param externalId null for any
 * @param isOfNobody whether it is of an id that nobody can have
 */
record ScimFilter(
    @Nullable UUID id, @Nullable String userName, @Nullable String externalId, boolean isOfNobody) {
  static final ScimFilter ALL = new ScimFilter(null, null, null, false);

  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern COMPARISON =
      Pattern.compile("\\s*([\\w:.$-]++)\\s++(\\w++)\\s++(\"(?:[^\"\\\\]|\\\\.)*+\")\\s*");

  /**
   * @throws ScimError it is another one than these
   */
  static ScimFilter of(@Nullable String text) {
    if (text == null) {
      return ALL;
    }
    Matcher matcher = COMPARISON.matcher(text);
    if (!matcher.matches() || !matcher.group(2).equalsIgnoreCase("eq")) {
      throw unknown();
    }
    String value = textOf(matcher.group(3));
    return switch (ScimPath.withoutCore(matcher.group(1)).toLowerCase(Locale.ROOT)) {
      case "username" -> new ScimFilter(null, value, null, false);
      case "externalid" -> new ScimFilter(null, null, value, false);
      case "id" -> {
        UUID id = ScimUser.idOf(value);
        yield new ScimFilter(id, null, null, id == null);
      }
      default -> throw unknown();
    };
  }

  private static String textOf(String literal) {
    try {
      String value = JSON.readValue(literal, String.class);
      return value.indexOf('\0') < 0 ? value : value.replace('\0', '\uFFFD');
    } catch (JacksonException e) {
      throw unknown();
    }
  }

  private static ScimError unknown() {
    return new ScimError(
        400, "invalidFilter", "A filter is userName, externalId or id, eq, and a text in quotes.");
  }
}
