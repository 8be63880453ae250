package com.gptdesk.chat.service.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.fileupload2.core.FileUploadException;
import org.apache.commons.fileupload2.core.MultipartInput;
import org.apache.commons.fileupload2.core.ParameterParser;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The file in a request: its whole body, or a part of {@code multipart/form-data} behind the fields
 * that describe it.
 *
 * @param length in bytes; null when it is not known
 * @param type as the client says; null when it does not
 * @param metadata the uploader's, with what caches may do
 * @param content read as it comes
 */
record UploadBody(
    @Nullable Long length, @Nullable String type, ObjectNode metadata, InputStream content) {
  private static final int LONGEST_FIELD = 16 * 1024;
  private static final int MOST_FIELDS = 20;

  static UploadBody of(StorageRequest request) throws IOException {
    String type = request.header("Content-Type");
    if (type != null && type.toLowerCase(Locale.ROOT).startsWith("multipart/form-data")) {
      return ofForm(request, type);
    }
    String length = request.header("Content-Length");
    String metadata = request.header("x-metadata");
    return new UploadBody(
        length == null || !length.matches("\\d{1,18}") ? null : Long.valueOf(length),
        type,
        UserMetadata.of(
            metadata == null ? null : decoded(metadata), request.header("cache-control")),
        request.body());
  }

  private static String decoded(String header) {
    try {
      return new String(Base64.getDecoder().decode(header), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw StorageErrors.invalid("x-metadata must be base64").stop();
    }
  }

  private static UploadBody ofForm(StorageRequest request, String type) throws IOException {
    String boundary = parameters(type).get("boundary");
    if (boundary == null) {
      throw StorageErrors.invalid("The form has no boundary").stop();
    }
    String cacheControl = null;
    String metadata = null;
    try {
      MultipartInput form =
          MultipartInput.builder()
              .setInputStream(request.body())
              .setBoundary(boundary.getBytes(StandardCharsets.ISO_8859_1))
              .get();
      int fields = 0;
      for (boolean more = form.skipPreamble(); more; more = form.readBoundary()) {
        String headers = form.readHeaders();
        Map<String, String> disposition = parameters(header(headers, "content-disposition"));
        if (disposition.containsKey("filename")) {
          String partType = header(headers, "content-type");
          return new UploadBody(
              null,
              partType.isEmpty() ? null : partType,
              UserMetadata.of(metadata, cacheControl),
              form.newInputStream());
        }
        if (++fields > MOST_FIELDS) {
          throw StorageErrors.invalid("The form has too many fields before the file").stop();
        }
        String value = field(form.newInputStream());
        switch (String.valueOf(disposition.get("name"))) {
          case "cacheControl" -> cacheControl = value;
          case "metadata" -> metadata = value;
          default -> {
            // Other fields mean nothing here.
          }
        }
      }
    } catch (FileUploadException | IllegalArgumentException e) {
      throw StorageErrors.invalid("The form cannot be read").stop();
    }
    throw StorageErrors.invalid("No content provided").stop();
  }

  private static String field(InputStream part) throws IOException {
    byte[] value = part.readNBytes(LONGEST_FIELD + 1);
    if (value.length > LONGEST_FIELD) {
      throw StorageErrors.invalid("A field of the form is too long").stop();
    }
    return new String(value, StandardCharsets.UTF_8);
  }

  private static String header(String headers, String name) {
    return headers
        .lines()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse("");
  }

  private static Map<String, String> parameters(String header) {
    ParameterParser parser = new ParameterParser();
    parser.setLowerCaseNames(true);
    return parser.parse(header, ';');
  }
}
