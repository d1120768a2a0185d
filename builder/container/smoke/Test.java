@IMPORTS@public class Test {
public static void main(String[] arguments) throws Exception {
@CODE@
}
}
