import java.io.FileInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

/** Prints what Java's two readers see in each zip: number, reader, name, SHA-256; or number, reader, "!", the error. */
public class ZipDump {
    public static void main(String[] paths) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (int number = 0; number < paths.length; number++) {
            out.print(table(number, paths[number]));
            out.print(stream(number, paths[number]));
        }
    }

    static String table(int number, String path) {
        StringBuilder rows = new StringBuilder();
        try (ZipFile zip = new ZipFile(path)) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                rows.append(row(number, "table", entry, zip.getInputStream(entry)));
            }
            return rows.toString();
        } catch (Exception error) {
            return failed(number, "table", error);
        }
    }

    static String stream(int number, String path) {
        StringBuilder rows = new StringBuilder();
        try (ZipInputStream zip = new ZipInputStream(new FileInputStream(path))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                rows.append(row(number, "stream", entry, zip));
            }
            return rows.toString();
        } catch (Exception error) {
            return failed(number, "stream", error);
        }
    }

    static String row(int number, String reader, ZipEntry entry, InputStream bytes) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] block = new byte[1 << 16];
        for (int read = bytes.read(block); read >= 0; read = bytes.read(block)) {
            digest.update(block, 0, read);
        }
        return number + "\t" + reader + "\t" + hex(entry.getName().getBytes(StandardCharsets.UTF_8)) + "\t"
            + hex(digest.digest()) + "\n";
    }

    static String failed(int number, String reader, Exception error) {
        return number + "\t" + reader + "\t!\t" + error.toString().replace('\n', ' ') + "\n";
    }

    static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte one : bytes) {
            text.append(String.format("%02x", one));
        }
        return text.toString();
    }
}
