package com.gptdesk.chat.service.scim;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an operation of PATCH is about: {@code active}, {@code name.givenName}, {@code emails[type
 * eq "work"].value}, or an attribute after the URN of its schema.
 *
 * @param isOfEnterprise whether it is of the enterprise extension
 * @param attribute null for the extension as a whole
 * @param key the sub-attribute that chooses among values; null for all
 * @param value what it must be
 * @param part the sub-attribute; null for the whole attribute
 */
record ScimPath(
    boolean isOfEnterprise,
    @Nullable String attribute,
    @Nullable String key,
    @Nullable String value,
    @Nullable String part) {
  static final String CORE = "urn:ietf:params:scim:schemas:core:2.0:User";
  static final String ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

  private static final String NAME = "[A-Za-z$][\\w$-]{0,99}+";
  private static final Pattern PATH =
      Pattern.compile(
          "(?<attribute>%1$s)(?:\\[\\s*(?<key>%1$s)\\s++[eE][qQ]\\s++(?:\"(?<text>[^\"\\\\]{0,999})\"|(?<word>true|false))\\s*])?(?:\\.(?<part>%1$s))?"
              .formatted(NAME));

  /**
   * @throws ScimError it is none
   */
  static ScimPath of(String text) {
    String path = text.strip();
    boolean enterprise = path.regionMatches(true, 0, ENTERPRISE, 0, ENTERPRISE.length());
    if (enterprise) {
      path = path.substring(ENTERPRISE.length());
      if (path.isEmpty()) {
        return new ScimPath(true, null, null, null, null);
      }
      path = path.substring(1);
    } else {
      path = withoutCore(path);
      if (path.regionMatches(true, 0, "urn:", 0, 4)) {
        return new ScimPath(false, path, null, null, null); // of an extension that nobody has here
      }
    }
    Matcher matcher = PATH.matcher(path);
    if (!matcher.matches()) {
      throw new ScimError(400, "invalidPath", "The path of an operation cannot be read.");
    }
    String value = matcher.group("text");
    return new ScimPath(
        enterprise,
        matcher.group("attribute"),
        matcher.group("key"),
        value == null ? matcher.group("word") : value,
        matcher.group("part"));
  }

  /** An attribute's name without the URN of the core schema, which may stand before it. */
  static String withoutCore(String name) {
    return name.regionMatches(true, 0, CORE + ":", 0, CORE.length() + 1)
        ? name.substring(CORE.length() + 1)
        : name;
  }
}
