package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose a request for files is where a back end has files, too. */
class OtherBucketsTest {
  private static final String RESUMABLE = "/upload/resumable";
  private static final String ID = "/018f0000-0000-7000-8000-000000000001";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/object/%s",
        "/object/%s/a/b.txt",
        "/object/sign/%s/a.txt",
        "/object/sign/%s",
        "/object/upload/sign/%s/a.txt",
        "/object/authenticated/%s/a.txt",
        "/object/public/%s/a.txt",
        "/object/info/%s/a.txt",
        "/object/info/authenticated/%s/a.txt",
        "/object/list/%s",
        "/object/list-v2/%s",
        "/bucket/%s",
        "/render/image/authenticated/%s/a.png"
      })
  void theAddressNamesTheBucket(String address) {
    assertTrue(OtherBuckets.isNamed(address.formatted("files"), null));
    assertTrue(OtherBuckets.isNamed(address.formatted("attachments2"), null));
    assertFalse(OtherBuckets.isNamed(address.formatted("attachments"), null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/object/move", "/object/copy", "/bucket", "/bucket/", "", "/"})
  void whatNamesNoneIsTheChats(String address) {
    assertFalse(OtherBuckets.isNamed(address, null));
  }

  @Test
  void aResumableUploadNamesItAsItBegins() {
    assertTrue(OtherBuckets.isNamed(RESUMABLE, "bucketName " + base64("files")));
    assertFalse(OtherBuckets.isNamed(RESUMABLE, "bucketName " + base64("attachments")));
    assertFalse(OtherBuckets.isNamed(RESUMABLE, "bucketName ???"), "the chat says what is wrong");
    assertFalse(OtherBuckets.isNamed(RESUMABLE + ID, null));
    assertFalse(OtherBuckets.isNamed(RESUMABLE + "/sign" + ID, null));
    assertTrue(OtherBuckets.isNamed(RESUMABLE + "/ZmlsZXMvYS50eHQ", null));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
