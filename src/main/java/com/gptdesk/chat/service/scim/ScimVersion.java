package com.gptdesk.chat.service.scim;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The version of a resource (RFC 7644, 3.14): a digest of what a client sees of it, so it also
 * changes with what others than the identity provider change.
 */
final class ScimVersion {
  private static final int BYTES = 12;

  private ScimVersion() {}

  /** A weak entity tag, as SCIM has them. */
  static String of(JsonNode resource) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(resource.toString().getBytes(StandardCharsets.UTF_8));
      return "W/\"" + HexFormat.of().formatHex(Arrays.copyOf(digest, BYTES)) + "\"";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }

  /**
   * Whether a header {@code If-Match} or {@code If-None-Match} names the version, weak or not.
   *
   * @param header tags separated by commas, or a star for any
   */
  static boolean names(String header, String version) {
    String opaque = version.substring(2);
    return Arrays.stream(header.split(","))
        .map(String::strip)
        .map(tag -> tag.startsWith("W/") ? tag.substring(2) : tag)
        .anyMatch(tag -> tag.equals("*") || tag.equals(opaque));
  }

  /**
   * Refuses to go on with another version than the client has.
   *
   * @param ifMatch null: with any
   */
  static void demand(@Nullable String ifMatch, String version) {
    if (ifMatch != null && !names(ifMatch, version)) {
      throw new ScimError(
          412,
          null,
          "The person has changed meanwhile: read them again, and send the new version.");
    }
  }
}
