package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

/** When a training run is made; that its cache is of use is tested with the image. */
class TrainingRunTest {
  @TempDir Path directory;

  @Test
  @EnabledForJreRange(min = JRE.JAVA_25)
  void aCacheThatIsNewerThanTheProgramStays() throws Exception {
    Path cache = Files.writeString(directory.resolve("service.aot"), "as it was");
    Files.setLastModifiedTime(cache, FileTime.from(Instant.parse("2100-01-01T00:00:00Z")));

    assertEquals(cache + " is up to date.", new TrainingRun(cache).run());
    assertEquals("as it was", Files.readString(cache));
  }

  @Test
  @EnabledForJreRange(min = JRE.JAVA_25)
  void aFolderThatIsNotThereIsNamed() {
    Path cache = directory.resolve("missing").resolve("service.aot");

    IOException failure = assertThrows(IOException.class, () -> new TrainingRun(cache).run());

    assertTrue(
        String.valueOf(failure.getMessage())
            .startsWith("There is no folder " + directory.resolve("missing")),
        failure.getMessage());
  }

  @Test
  @EnabledForJreRange(max = JRE.JAVA_24)
  void anOlderJavaWritesNothing() throws Exception {
    Path cache = directory.resolve("service.aot");

    assertTrue(new TrainingRun(cache).run().endsWith("nothing was written."));
    assertTrue(Files.notExists(cache));
  }
}
