package com.gptdesk.chat.service.people;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What is told of a person. What is not told stays as it is.
 *
 * @param id the claim {@code sub} of their tokens; null to find them by e-mail address
 * @param email of one person only, whatever its case
 * @param told the other columns that are told, with their values; an empty text clears a team or an
 *     address
 */
record PersonGiven(@Nullable UUID id, String email, Map<Column, String> told) {

  /** What may be told of a person. */
  enum Column {
    FULL_NAME,
    TEAM,
    AVATAR_URL,
    STATUS
  }

  /**
   * Of texts as somebody typed them.
   *
   * @param texts null for what is not told
   * @throws InvalidPerson a text cannot be stored
   */
  static PersonGiven of(
      @Nullable String id, @Nullable String email, Map<Column, @Nullable String> texts) {
    Map<Column, String> told = new LinkedHashMap<>();
    texts.forEach(
        (column, text) -> {
          if (text != null) {
            told.put(column, storable(text.strip()));
          }
        });
    String name = told.get(Column.FULL_NAME);
    if (name != null && name.isEmpty()) {
      throw new InvalidPerson("the full name is empty");
    }
    String status = told.get(Column.STATUS);
    if (status != null && status.isEmpty()) {
      told.remove(Column.STATUS);
    } else if (status != null && !status.equals("active") && !status.equals("inactive")) {
      throw new InvalidPerson("the status is active or inactive, not \"" + status + "\"");
    }
    return new PersonGiven(uuid(id), address(email), told);
  }

  private static @Nullable UUID uuid(@Nullable String text) {
    if (text == null || text.isBlank()) {
      return null;
    }
    try {
      return UUID.fromString(text.strip());
    } catch (IllegalArgumentException e) {
      throw new InvalidPerson("the id is no UUID: \"" + text.strip() + "\"");
    }
  }

  private static String address(@Nullable String text) {
    String address = text == null ? "" : storable(text.strip());
    if (!address.matches("[^@\\s]+@[^@\\s]+")) {
      throw new InvalidPerson("this is no e-mail address: \"" + address + "\"");
    }
    return address;
  }

  private static String storable(String text) {
    if (text.codePoints().anyMatch(Character::isISOControl)) {
      throw new InvalidPerson("there is a control character in \"" + text.strip() + "\"");
    }
    return text;
  }
}
