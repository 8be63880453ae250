package com.gptdesk.chat.service.push;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.util.Base64URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** RFC 8291, by its own example, and by a browser's half that was written apart. */
class PushEncryptionTest {
  private static final String PUBLIC =
      "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

  @Test
  void theExampleOfTheDocumentIsMetByteForByte() throws Exception {
    byte[] point = bytes(PUBLIC);
    KeyPair keys =
        new ECKey.Builder(
                Curve.P_256,
                Base64URL.encode(Arrays.copyOfRange(point, 1, 33)),
                Base64URL.encode(Arrays.copyOfRange(point, 33, 65)))
            .d(new Base64URL("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
            .build()
            .toKeyPair();
    byte[] body =
        PushEncryption.encrypt(
            "When I grow up, I want to be a watermelon".getBytes(StandardCharsets.UTF_8),
            0,
            bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            keys,
            bytes("DGv6ra1nlYgDCS1FRnbzlw"));
    assertEquals(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        Base64URL.encode(body).toString());
  }

  @Test
  void aBrowserReadsWhatIsEncryptedForIt() throws Exception {
    PlayedBrowser browser = new PlayedBrowser();
    for (int length : new int[] {0, 1, 511, 512, 3000, PushEncryption.MAX_MESSAGE}) {
      String text = "é".repeat(length / 2) + "x".repeat(length % 2);
      byte[] body = encrypt(text, browser);
      assertEquals(text, browser.decrypt(body));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> encrypt("x".repeat(PushEncryption.MAX_MESSAGE + 1), browser));
  }

  @Test
  void itsLengthHidesThatOfTheText() throws Exception {
    PlayedBrowser browser = new PlayedBrowser();
    assertEquals(encrypt("no", browser).length, encrypt("x".repeat(500), browser).length);
    assertEquals(
        PushEncryption.MAX_BODY, encrypt("x".repeat(PushEncryption.MAX_MESSAGE), browser).length);
  }

  @Test
  void twiceTheSameIsNotTheSame() throws Exception {
    PlayedBrowser browser = new PlayedBrowser();
    assertEquals(false, Arrays.equals(encrypt("hi", browser), encrypt("hi", browser)));
  }

  @Test
  void aPointThatIsNotOnTheCurveIsRefused() throws Exception {
    byte[] point = bytes(PUBLIC);
    assertArrayEquals(point, PushEncryption.bytesOf(PushEncryption.pointOf(point)));
    point[64] ^= 1;
    assertThrows(PushEncryption.InvalidKey.class, () -> PushEncryption.pointOf(point));
    assertThrows(PushEncryption.InvalidKey.class, () -> PushEncryption.pointOf(new byte[65]));
    assertThrows(
        PushEncryption.InvalidKey.class, () -> PushEncryption.pointOf(Arrays.copyOf(point, 64)));
  }

  private static byte[] encrypt(String text, PlayedBrowser browser) throws Exception {
    return PushEncryption.encrypt(
        text.getBytes(StandardCharsets.UTF_8), bytes(browser.p256dh()), bytes(browser.auth()));
  }

  private static byte[] bytes(String text) {
    return new Base64URL(text).decode();
  }
}
