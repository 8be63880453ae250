package com.gptdesk.chat.service.files;

import java.io.BufferedInputStream;
import java.io.IOException;
import org.apache.tika.metadata.Metadata;
import org.apache.tika.metadata.TikaCoreProperties;
import org.apache.tika.mime.MediaType;
import org.apache.tika.mime.MimeType;
import org.apache.tika.mime.MimeTypeException;
import org.apache.tika.mime.MimeTypes;
import org.jspecify.annotations.Nullable;

/**
 * What a file is, by its bytes.
 *
 * @param type the media type, without parameters
 * @param picture its measures; null for what is no picture or has no readable header
 */
public record FileContent(String type, @Nullable Picture picture) {
  private static final MimeTypes TYPES = MimeTypes.getDefaultMimeTypes();

  /**
   * Looks at a file, and takes out of a picture where and by whom it was taken.
   *
   * @param name its last part chooses between types of the same content, such as text and CSV
   * @param declared the type that the client says, which chooses likewise; null for none
   * @param keepsMetadata leaves the picture as it is
   */
  public static FileContent of(
      IncomingFile file, String name, @Nullable String declared, boolean keepsMetadata)
      throws IOException {
    String type = type(file, name, declared);
    Picture picture = Picture.read(file.channel(), type);
    if (!keepsMetadata && PictureMetadata.erase(file.channel(), type)) {
      file.changed();
    }
    return new FileContent(type, picture);
  }

  /** Neither name nor client decide: they say which of the types with such bytes it is. */
  private static String type(IncomingFile file, String name, @Nullable String declared)
      throws IOException {
    MediaType content = TYPES.detect(new BufferedInputStream(file.content()), new Metadata());
    if (content.equals(MediaType.OCTET_STREAM)) {
      return content.toString();
    }
    Metadata hints = new Metadata();
    hints.set(TikaCoreProperties.RESOURCE_NAME_KEY, name);
    MediaType named = TYPES.detect(new BufferedInputStream(file.content()), hints);
    MediaType known = known(declared);
    if (known != null) {
      hints.set(Metadata.CONTENT_TYPE, known.toString());
      MediaType chosen = TYPES.detect(new BufferedInputStream(file.content()), hints);
      if (chosen.getType().equals(named.getType())) { // an archive does not become a picture
        return chosen.getBaseType().toString();
      }
    }
    return named.getBaseType().toString();
  }

  /**
   * A registered type; Tika would take every other as one of archives by its ending, and keep it.
   */
  private static @Nullable MediaType known(@Nullable String declared) {
    try {
      MimeType type = declared == null ? null : TYPES.getRegisteredMimeType(declared);
      return type == null ? null : type.getType();
    } catch (MimeTypeException e) {
      return null;
    }
  }
}
