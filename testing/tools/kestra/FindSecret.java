import io.kestra.core.secret.SecretService;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;

/** Prints each of the named secrets, a line each, as a flow of Kestra gets it: with Kestra's own SecretService, from the environment. */
public class FindSecret {
    public static void main(String[] names) throws Exception {
        SecretService secrets = new SecretService();
        // What its container calls once after making it.
        Method start = SecretService.class.getDeclaredMethod("postConstruct");
        start.setAccessible(true);
        start.invoke(secrets);
        for (String name : names) {
            byte[] line = (secrets.findSecret(null, "namespace", name) + "\n").getBytes(StandardCharsets.UTF_8);
            System.out.write(line);
        }
        System.out.flush();
    }
}
